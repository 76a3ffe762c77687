"""Every knob of the service: type, default, environment name and one sentence each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

ENV = "env"
HELP = "help"
FILE = "_FILE"  # behind a variable's name: where its value stands, such as a container's secret
REDIS = ("redis://", "rediss://", "unix://")


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
    redis_url: str = field(
        default="",
        metadata=_knob(
            "ERGOSCOPE_REDIS_URL",
            "redis://HOST:PORT/DB, through which the processes of one service tell each other what is new; empty means "
            "that there is one process.",
        ),
    )
    unfolded_mb: int = field(
        default=512,
        metadata=_knob(
            "ERGOSCOPE_UNFOLDED_MB",
            "Size (2^20 bytes) of the batches not yet folded beyond which senders are told to wait.",
        ),
    )
    workers: int = field(
        default=1, metadata=_knob("ERGOSCOPE_WORKERS", "Processes of `ergoscope serve` that share its port.")
    )
    webhook_url: str = field(
        default="", metadata=_knob("ERGOSCOPE_WEBHOOK_URL", "Where alerts are posted to; empty posts nowhere.")
    )
    page: bool = field(default=True, metadata=_knob("ERGOSCOPE_PAGE", "Serve the page beside the API (1 or 0)."))

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port is {self.port}; it must lie between 0 and 65535")
        if self.redis_url and not self.redis_url.startswith(REDIS):
            shown = self.redis_url.rpartition("@")[2]  # without a password
            raise SettingsError(f"redis_url is {shown!r}; it must begin with one of {', '.join(REDIS)}")
        if self.unfolded_mb < 1:
            raise SettingsError(f"unfolded_mb is {self.unfolded_mb}; it must be at least 1")
        if self.workers < 1:
            raise SettingsError(f"workers is {self.workers}; it must be at least 1")

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
