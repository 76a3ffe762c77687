"""Making a run ready: its folder, its ring, its record."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ergoscope.capture import describe_system, hostname, rank
from ergoscope.companion import Companion
from ergoscope.config import as_config
from ergoscope.errors import SettingError
from ergoscope.feed import Feed, Nowhere
from ergoscope.manifest import attempt_folder
from ergoscope.names import readable_name, run_id
from ergoscope.ring import Ring
from ergoscope.session import Line, Run
from ergoscope.settings import Settings
from ergoscope_contract.records import Attempt
from ergoscope_contract.records import Run as RunRecord

SHARED_MEMORY = Path("/dev/shm")


def open_run(settings: Settings, config: object = None) -> Run:
    """Make a run that is ready to start.

    Args:
        settings: How it is recorded.
        config: A mapping, a dataclass or a namespace.

    Raises:
        SettingError: the folder for spools cannot be written.
        RingError: there is no room for the ring.
        TypeError: the configuration is none.
    """
    now = time.time()
    identity = settings.run_id or run_id(now=now)
    record = RunRecord(
        id=identity,
        project=settings.project,
        name=settings.name or readable_name(identity),
        created=now,
        config=as_config(config),
        tags=list(settings.tags),
        group=settings.group,
        job_type=settings.job_type,
        notes=settings.notes,
    )
    number, world = rank(os.environ)
    attempt = Attempt(
        number=int(now * 1000),
        started=now,
        rank=number,
        world_size=world,
        host=hostname(),
        pid=os.getpid(),
        system=describe_system(sys.argv),
    )
    if settings.mode == "disabled":
        return Run(settings, record, attempt, Nowhere(), None)
    line = _open_line(settings, identity, attempt)
    return Run(settings, record, attempt, Feed(line.ring), line)


def _open_line(settings: Settings, identity: str, attempt: Attempt) -> Line:
    folder = attempt_folder(settings.folder.absolute(), identity, attempt)
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise SettingError(
            f"{folder} exists: another process records this run and rank; give each its run_id"
        ) from None
    except OSError as error:
        raise SettingError(f"dir is {settings.dir!r}, and {folder} cannot be made: {error.strerror}") from None
    name = f"ergoscope-{identity}-{attempt.number}-{attempt.rank}.ring"
    ring = Ring.create(name, [*_memory(), folder], capacity=settings.ring_mib << 20)
    return Line(folder, ring, Companion(folder, ring, api_key=settings.api_key))


def _memory() -> list[Path]:
    """Give the folders whose files stay in memory, or at least near."""
    return [SHARED_MEMORY] if SHARED_MEMORY.is_dir() else [Path(tempfile.gettempdir())]


def check_resume(settings: Settings, exists: Callable[[str], bool]) -> None:
    """Hold the run's id against what the server knows.

    Raises:
        SettingError: the run must exist and does not, or must not and does.
    """
    if settings.resume == "must" and not exists(settings.run_id):
        raise SettingError(
            f"resume is 'must', but the server knows no run {settings.run_id!r}; resume='allow' begins it"
        )
    if settings.resume == "never" and settings.run_id and exists(settings.run_id):
        raise SettingError(
            f"resume is 'never', but run {settings.run_id!r} exists; give another run_id or resume='allow'"
        )
