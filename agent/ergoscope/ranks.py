"""How the processes of one training job come to one run, without being told.

The first of them that asks names the run and its attempt; the others take what it said. They meet where that is one
atomic step and no collective: in the store of torch's process group, or, before there is one, in a file when torchrun
started them all on this machine. Nothing here needs torch, and nothing waits for longer than a few seconds.
"""

import hashlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar, cast

from ergoscope.capture import rank
from ergoscope.process import birth

T = TypeVar("T")
PATIENCE_S = 5.0
MEETINGS = "meetings"
_met: Counter[str] = Counter()  # the n-th run of a kind in one process is the n-th of that kind in the others


class Store(Protocol):
    """What is needed of torch's stores."""

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        """Set a key that is not there, and give what is there then."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """This process among those of its job; `store` is where they can meet, None before they have one."""

    rank: int = 0
    world: int = 1
    store: Store | None = None


def find_place(environment: Mapping[str, str]) -> Place:
    """Say who this process is: as torch's process group has it, else as torchrun's variables do."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        with suppress(Exception):  # a private function of torch; without it the variables may still do
            store: Store | None = distributed.distributed_c10d._get_default_store()
            return Place(distributed.get_rank(), distributed.get_world_size(), store)
        return Place(distributed.get_rank(), distributed.get_world_size())
    return Place(*rank(environment))


def agree(place: Place, proposal: str, *, kind: str, folder: Path, environment: Mapping[str, str]) -> str | None:
    """Give what the first process of the job proposed.

    Args:
        place: Who this process is.
        proposal: What holds when it is the first.
        kind: Says which of several agreements is meant; the n-th of a kind is the n-th on every rank.
        folder: Where processes of one machine may meet.
        environment: Names and texts, such as os.environ.

    Returns:
        The agreement; None when there is no place to meet, or it did not answer.
    """
    digest = hashlib.sha256(kind.encode()).hexdigest()[:16]
    number = _met[digest]
    _met[digest] += 1
    key = f"ergoscope/{digest}/{number}"
    if place.store is not None:
        return _ask(place.store, key, proposal)
    meeting = _meeting(key, environment)
    return None if meeting is None else _write_first(folder / MEETINGS, meeting, proposal)


def connected(store: Store) -> Store | None:
    """A connection of our own to a store, so that the job's is never held up; None when there is none in PATIENCE_S."""
    return _within_patience(partial(_own_connection, store))


def _ask(store: Store, key: str, proposal: str) -> str | None:
    """Ask over a connection of our own; give up after PATIENCE_S."""
    return _within_patience(lambda: bytes(_own_connection(store).compare_set(key, "", proposal)).decode())


def _within_patience(answer: Callable[[], T]) -> T | None:
    answers: list[T] = []

    def ask() -> None:
        with suppress(Exception):
            answers.append(answer())

    thread = threading.Thread(target=ask, name="ergoscope-agree", daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return answers[0] if answers else None


def _own_connection(store: Store) -> Store:
    clone = getattr(store, "clone", None)
    if clone is None:  # torch before 2.6
        return store
    own = clone()
    own.set_timeout(timedelta(seconds=PATIENCE_S))
    return cast(Store, own)


def _meeting(key: str, environment: Mapping[str, str]) -> str | None:
    """Name the file where torchrun's children on this machine meet; None when they are not all here."""
    world = environment.get("WORLD_SIZE")
    if "TORCHELASTIC_RUN_ID" not in environment or environment.get("LOCAL_WORLD_SIZE") != world:
        return None
    parent = os.getppid()
    born = birth(parent)
    if not born:
        return None  # numbers of processes are used again, and nothing else tells two jobs apart
    said = [environment.get(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT")]
    address = [environment.get("MASTER_ADDR", ""), environment.get("MASTER_PORT", "")]
    words = "\n".join([str(parent), str(born), *said, *address, key])
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _write_first(folder: Path, name: str, proposal: str) -> str | None:
    """Write a file unless it is there; give its content."""
    target, draft = folder / name, folder / f"{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.write_text(proposal)
        try:
            os.link(draft, target)  # whole or not at all, and never over another's
        except FileExistsError:
            return target.read_text()
        finally:
            draft.unlink()
    except OSError:
        return None
    return proposal
