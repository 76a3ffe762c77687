"""Every knob of the agent: what code says wins over the environment, the environment over the defaults."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Literal, TypedDict, TypeVar, get_args
from urllib.parse import urlsplit

from ergoscope.errors import SettingError
from ergoscope.names import is_run_id, read_place

Mode = Literal["online", "offline", "disabled"]
Resume = Literal["allow", "must", "never"]
T = TypeVar("T")
NAME_LIMIT = 256
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _knob(default: T, env: str, about: str) -> T:
    """Declare a field with its environment variable and its sentence."""
    knob: T = field(default=default, metadata={"env": env, "about": about})
    return knob


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is recorded and where it goes. `Settings.read` fills it; every value was checked then."""

    mode: Mode = _knob("online", "ERGOSCOPE_MODE", "online sends, offline keeps everything on disk, disabled is inert.")  # noqa: RUF009  # it is a field
    project: str = _knob("default", "ERGOSCOPE_PROJECT", "The project that the run belongs to.")
    name: str = _knob("", "ERGOSCOPE_NAME", "The run's name for people; drawn when empty.")
    run_id: str = _knob("", "ERGOSCOPE_RUN_ID", "The run's id; drawn when empty, given again to resume a run.")
    group: str = _knob("", "ERGOSCOPE_RUN_GROUP", "A name that related runs share.")
    job_type: str = _knob("", "ERGOSCOPE_JOB_TYPE", "What kind of job it is, such as train or eval.")
    tags: tuple[str, ...] = _knob((), "ERGOSCOPE_TAGS", "Labels; separated by commas in the environment.")
    notes: str = _knob("", "ERGOSCOPE_NOTES", "Free text about the run.")
    resume: Resume = _knob("allow", "ERGOSCOPE_RESUME", "Whether a given run id may, must or must not exist already.")  # noqa: RUF009  # it is a field
    fork_from: str = _knob("", "ERGOSCOPE_FORK_FROM", "RUN@STEP: by id the run, and the step, to go on from.")
    dir: str = _knob("~/.ergoscope/agent", "ERGOSCOPE_DIR", "Where spools are kept until they are delivered.")
    base_url: str = _knob("http://127.0.0.1:7117", "ERGOSCOPE_BASE_URL", "The server's address.")
    api_key: str = _knob("", "ERGOSCOPE_API_KEY", "The server's token, sent as bearer; else ~/.ergoscope/netrc's.")
    silent: bool = _knob(False, "ERGOSCOPE_SILENT", "Print nothing, neither addresses nor warnings.")
    budget: float = _knob(0.02, "ERGOSCOPE_BUDGET", "Share of the step time that measuring may take, above 0, up to 1.")
    ring_mib: int = _knob(32, "ERGOSCOPE_RING_MIB", "Shared memory between job and sidecar, in MiB.")
    finish_wait_s: float = _knob(10.0, "ERGOSCOPE_FINISH_WAIT", "Seconds that finish() waits for the last delivery.")
    give_up_s: float = _knob(600.0, "ERGOSCOPE_GIVE_UP", "Seconds that delivery is tried after the job has ended.")
    keep_spool: bool = _knob(False, "ERGOSCOPE_KEEP_SPOOL", "Keep spools on disk after they were delivered.")
    save_code: bool = _knob(True, "ERGOSCOPE_SAVE_CODE", "Record changes of the code, up to 512 KiB, and data loaders.")

    @staticmethod
    def read(environment: Mapping[str, str], **given: object) -> "Settings":
        """Put together what code gives and what the environment says.

        Args:
            environment: Names and texts, such as os.environ.
            given: Values from code; None stands for "not given".

        Raises:
            SettingError: a key is unknown or a value is not allowed.
        """
        known = {knob.name: knob for knob in fields(Settings)}
        for key in given:
            if key not in known:
                raise SettingError(f"there is no setting {key!r}{_nearest(key, known)}")
        values: dict[str, object] = {}
        for key, knob in known.items():
            env = str(knob.metadata["env"])
            if given.get(key) is not None:
                values[key] = _coded(key, given[key], knob.default)
            elif environment.get(env):  # set but empty is as good as absent
                values[key] = _spelled(env, environment[env], knob.default)
        settings = replace(Settings(), **values)  # type: ignore[arg-type]  # each was checked against its field's type
        _check(settings)
        return settings

    @property
    def folder(self) -> Path:
        """`dir` as a path, with the home folder filled in."""
        return Path(self.dir).expanduser()


class Knobs(TypedDict, total=False):
    """The settings as arguments; None stands for "not given"."""

    mode: Mode | None
    project: str | None
    name: str | None
    run_id: str | None
    group: str | None
    job_type: str | None
    tags: Sequence[str] | None
    notes: str | None
    resume: Resume | None
    fork_from: str | None
    dir: str | PathLike[str] | None
    base_url: str | None
    api_key: str | None
    silent: bool | None
    budget: float | None
    ring_mib: int | None
    finish_wait_s: float | None
    give_up_s: float | None
    keep_spool: bool | None
    save_code: bool | None


def _nearest(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"


def _coded(key: str, value: object, default: object) -> object:
    """Check the type of a value from code, and give it as the field wants it."""
    if isinstance(default, tuple):
        if isinstance(value, str):
            return _labels(value)
        if isinstance(value, list | tuple | set | frozenset) and all(isinstance(tag, str) for tag in value):
            return tuple(value)
        raise SettingError(f"{key} is {value!r}; it must be a list of texts")
    if key == "dir":
        value = str(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise SettingError(f"{key} is {value!r}; it must be of type {type(default).__name__}")
    return value


def _spelled(env: str, text: str, default: object) -> object:
    """Read a value from the environment."""
    if isinstance(default, tuple):
        return _labels(text)
    if isinstance(default, bool):
        if text.lower() not in _WORDS:
            raise SettingError(f"{env} is {text!r}; allowed: {', '.join(_WORDS)}")
        return _WORDS[text.lower()]
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise SettingError(f"{env} is {text!r}; it must be a number") from None
    return text


def _labels(text: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in text.split(",") if tag.strip())


def _check(settings: Settings) -> None:
    for key, value, allowed in (
        ("mode", settings.mode, get_args(Mode)),
        ("resume", settings.resume, get_args(Resume)),
    ):
        if value not in allowed:
            raise SettingError(f"{key} is {value!r}; allowed: {', '.join(allowed)}")
    if settings.run_id and not is_run_id(settings.run_id):
        raise SettingError(
            f"run_id is {settings.run_id!r}; allowed: up to 64 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    if settings.resume == "must" and not settings.run_id:
        raise SettingError("resume is 'must', but no run_id says which run; give run_id or ERGOSCOPE_RUN_ID")
    place = read_place(settings.fork_from)
    if settings.fork_from and (place is None or place[0] == settings.run_id):
        raise SettingError(
            f"fork_from is {settings.fork_from!r}; it must be RUN@STEP: the id of another run, as its address has it, "
            "and the step that this one goes on from"
        )
    for key, text in (("project", settings.project), ("name", settings.name)):
        if len(text) > NAME_LIMIT or not text.isprintable():
            raise SettingError(f"{key} is {text!r:.80}; allowed: up to {NAME_LIMIT} printable characters")
    address = urlsplit(settings.base_url)
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise SettingError(f"base_url is {settings.base_url!r}; it must be an address such as http://127.0.0.1:7117")
    if not 0 < settings.budget <= 1:
        raise SettingError(f"budget is {settings.budget}; it must be above 0 and at most 1")
    if not 1 <= settings.ring_mib <= 4096:
        raise SettingError(f"ring_mib is {settings.ring_mib}; it must be from 1 to 4096")
    for key, seconds in (("finish_wait_s", settings.finish_wait_s), ("give_up_s", settings.give_up_s)):
        if not 0 <= seconds < math.inf:
            raise SettingError(f"{key} is {seconds}; it must be a number of seconds, at least 0")
