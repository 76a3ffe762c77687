"""The service's settings, as they stand in the environment."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from ergoscope_server.settings import ENV, FILE, Settings, SettingsError


def read_settings(environment: Mapping[str, str], **given: object) -> Settings:
    """Make settings from what was given and, for the rest, from the environment.

    Args:
        environment: As os.environ. A variable's name with `_FILE` behind it names a file that holds the value.
        **given: Fields of Settings; None means not given.

    Raises:
        SettingsError: a value is of the wrong type or out of range, a name is unknown, a file cannot be read or holds
            nothing, or a value and its file are both named.
    """
    known = {knob.name for knob in fields(Settings)}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise SettingsError(f"there is no setting {unknown[0]!r}; there are {', '.join(sorted(known))}")
    chosen: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    for knob in fields(Settings):
        text = "" if knob.name in chosen else _text(environment, knob.metadata[ENV])
        if text:
            chosen[knob.name] = _read(knob.metadata[ENV], text, kind=knob.type)
    return Settings(**chosen)  # type: ignore[arg-type]  # each was read as its field's type, or given by typed code


def _text(environment: Mapping[str, str], env: str) -> str:
    text, path = environment.get(env, ""), environment.get(env + FILE, "")
    if text and path:
        raise SettingsError(f"{env} and {env}{FILE} are both set; set one of them")
    if not path:
        return text
    try:
        held = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{env}{FILE} is {path!r}, which cannot be read: {reason}") from None
    if not held:
        raise SettingsError(f"{env}{FILE} is {path!r}, which is empty")
    return held


def _read(env: str, text: str, *, kind: object) -> object:
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{env} is {text!r}; it must be a whole number") from None
    if kind is bool:
        if text not in ("0", "1"):
            raise SettingsError(f"{env} is {text!r}; it must be 1 or 0")
        return text == "1"
    return Path(text) if kind is Path else text
