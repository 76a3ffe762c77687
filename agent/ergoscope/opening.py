"""Making a run ready: its folder, its ring, its record."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ergoscope.capture import describe_system, hostname
from ergoscope.config import as_config
from ergoscope.errors import SettingError
from ergoscope.lifetime.companion import Companion
from ergoscope.manifest import attempt_folder
from ergoscope.names import read_place, readable_name, run_id
from ergoscope.ranks import Place, agree, find_place
from ergoscope.session import Line, Run
from ergoscope.settings import Settings
from ergoscope.stream.feed import Feed, Nowhere
from ergoscope.stream.ring import Ring
from ergoscope.voice import Voice
from ergoscope_contract.records import Attempt, Fork
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
    birth = _born(settings, find_place(os.environ), now=time.time())
    record = RunRecord(
        id=birth.run,
        project=settings.project,
        name=settings.name or readable_name(birth.run),
        created=birth.number / 1000,
        config=as_config(config),
        tags=list(settings.tags),
        group=settings.group,
        job_type=settings.job_type,
        notes=settings.notes,
        presumed=_presumed(settings),
        fork=_fork(settings),
    )
    attempt = Attempt(
        number=birth.number,
        started=birth.number / 1000,
        rank=birth.rank,
        world_size=birth.world,
        host=hostname(),
        pid=os.getpid(),
        system=describe_system(sys.argv),
    )
    if settings.mode == "disabled":
        return Run(settings, record, attempt, Nowhere(), None)
    line = _open_line(settings, birth.run, attempt)
    return Run(settings, record, attempt, Feed(line.ring), line)


def _presumed(settings: Settings) -> list[str]:
    """Name what nobody has given: a run that is resumed keeps its own."""
    given = {"project": settings.project != Settings().project, "name": bool(settings.name)}
    return [field for field, said in given.items() if not said]


def _fork(settings: Settings) -> Fork | None:
    place = read_place(settings.fork_from)
    return None if place is None else Fork(*place)


@dataclass(frozen=True, slots=True)
class _Birth:
    """Which run and attempt a process records, `number` in Unix milliseconds, and as which of its job's processes."""

    run: str
    number: int
    rank: int
    world: int


def _born(settings: Settings, place: Place, *, now: float) -> _Birth:
    """Settle with the job's other processes which run it is; alone where they cannot be asked."""
    own = _Birth(settings.run_id or run_id(now=now), int(now * 1000), place.rank, place.world)
    if place.world == 1 or settings.mode == "disabled":
        return own
    kind = "\n".join([settings.run_id, settings.project, settings.name, settings.group, settings.job_type])
    said = agree(
        place,
        f"{own.run} {own.number}",
        kind=kind,
        folder=settings.folder.absolute(),
        environment=os.environ,
    )
    if said is not None:
        run, _, number = said.partition(" ")
        return replace(own, run=run, number=int(number))
    if settings.run_id:
        return own
    Voice(silent=settings.silent).say(
        f"this is process {place.rank} of {place.world}, and they cannot be asked which run they share, so it records "
        "one of its own; call watch() after torch.distributed.init_process_group(), or give all of them one run_id "
        "(ERGOSCOPE_RUN_ID)"
    )
    return replace(own, rank=0, world=1)


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
