"""Which optimizer a run uses and how fast it learns, as far as its settings and measurements tell."""

from collections.abc import Mapping

from ergoscope_contract.answers import RunSummary

_NAMES = ("name", "class", "type")


def optimizer(run: RunSummary) -> str:
    """The optimizer's name in lower case, several joined by "+"; empty when the settings do not tell.

    The agent records a list under "optimizers"; a user's own setting "optimizer" may be a word or a table.
    """
    told = run.config.get("optimizers", run.config.get("optimizer"))
    each = told if isinstance(told, list) else [told]
    return " + ".join(dict.fromkeys(name for name in map(_name, each) if name))


def learning_rate(run: RunSummary) -> float | None:
    """The newest learning rate: measured, else as set."""
    for value in (run.latest.get("lr"), run.config.get("lr")):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _name(told: object) -> str:
    if isinstance(told, Mapping):
        return str(next((told[key] for key in _NAMES if key in told), "")).lower()
    return told.lower() if isinstance(told, str) else ""
