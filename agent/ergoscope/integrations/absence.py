"""What to say when a framework is not there."""


def missing(framework: str, extra: str, error: Exception) -> ImportError:
    """Turn a failed import into one that says what to install.

    Example:
        >>> print(missing("Lightning", "lightning", ModuleNotFoundError("No module named 'lightning'")))
        ergoscope.integrations.lightning needs Lightning, which cannot be imported (No module named 'lightning'); \
install it with `pip install 'ergoscope[lightning]'`
    """
    return ImportError(
        f"ergoscope.integrations.{extra} needs {framework}, which cannot be imported ({error}); "
        f"install it with `pip install 'ergoscope[{extra}]'`",
        name=getattr(error, "name", None),
    )
