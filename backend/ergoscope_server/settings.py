"""Every knob of the service: type, default, environment name and one sentence each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

ENV = "env"
HELP = "help"


class SettingsError(ValueError):
    """A setting that cannot be used; the text says which, what was seen and what is allowed."""


def _knob(env: str, meaning: str) -> dict[str, str]:
    return {ENV: env, HELP: meaning}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs. What is given in code or on the command line wins over the environment."""

    host: str = field(
        default="127.0.0.1",
        metadata=_knob("ERGOSCOPE_HOST", "Address to listen on; anything but loopback lets others in."),
    )
    port: int = field(default=7117, metadata=_knob("ERGOSCOPE_PORT", "TCP port to listen on; 0 takes a free one."))
    data_dir: Path = field(
        default=Path("~/.ergoscope/server"),
        metadata=_knob("ERGOSCOPE_DATA_DIR", "Where the database lies, unless another one is named."),
    )
    database_url: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_DATABASE_URL", "sqlite:///... or postgresql://...; empty means SQLite in the data directory."
        ),
    )
    webhook_url: str = field(
        default="", metadata=_knob("ERGOSCOPE_WEBHOOK_URL", "Where alerts are posted to; empty posts nowhere.")
    )
    page: bool = field(default=True, metadata=_knob("ERGOSCOPE_PAGE", "Serve the page beside the API (1 or 0)."))

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port is {self.port}; it must lie between 0 and 65535")

    @property
    def directory(self) -> Path:
        """The data directory, with ~ replaced."""
        return self.data_dir.expanduser()

    @property
    def store_url(self) -> str:
        """The database that is used."""
        return self.database_url or f"sqlite:///{self.directory / 'ergoscope.db'}"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in ("127.0.0.1", "::1", "localhost")


def read_settings(environment: Mapping[str, str], **given: object) -> Settings:
    """Make settings from what was given and, for the rest, from the environment.

    Args:
        environment: As os.environ.
        **given: Fields of Settings; None means not given.

    Raises:
        SettingsError: a value is of the wrong type or out of range, or a name is unknown.
    """
    known = {knob.name for knob in fields(Settings)}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise SettingsError(f"there is no setting {unknown[0]!r}; there are {', '.join(sorted(known))}")
    chosen: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    for knob in fields(Settings):
        text = environment.get(knob.metadata[ENV], "")
        if text and knob.name not in chosen:
            chosen[knob.name] = _read(knob.metadata[ENV], text, kind=knob.type)
    return Settings(**chosen)  # type: ignore[arg-type]  # each was read as its field's type, or given by typed code


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
