"""How many series a run may have: the names that it has are known, and new ones are let in while there is room."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from ergoscope_server.store.entry import WALL

AGAIN_S = 10.0  # after which names that others may have let in are looked for, before a new one is
MOST_NAMES = 500_000  # of all runs that are known here


class NamesStore(Protocol):
    """What tells the names that a run has."""

    def keys(self, run: str) -> list[str]:
        """Give the names of a run's series; none when there is no such run."""
        ...


@dataclass(slots=True)
class _Known:
    """The names of one run: those that were there when it was looked, and those that were let in since."""

    names: set[str]
    looked: float
    fresh: set[str] = field(default_factory=set)


class Breadth:
    """Holds the names of batches against those that their runs have.

    A run's names are read once and kept, while there is room for them; a batch without a new name, which is nearly
    every one, costs a look at a set. Each process knows what it let in by itself and, after some seconds, what others
    did: so the batches of one run that reach several processes within these may bring more than is allowed, at most
    once again as many names for each process.
    """

    def __init__(self, store: NamesStore, *, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold what it works with.

        Args:
            store: Tells the names that a run has.
            most: Names that a run may have; 0 for any number.
            clock: Gives seconds.
        """
        self._store, self._most, self._clock = store, most, clock
        self._lock = Lock()
        self._runs: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0

    def sure(self, run: str, names: Sequence[str]) -> bool:
        """Whether nothing is new of these names, as far as is known without asking the database."""
        if not self._most or not names:
            return True
        with self._lock:
            known = self._runs.get(run)
            if known is None:
                return False
            self._runs.move_to_end(run)
            return known.names.issuperset(names)

    def beyond(self, run: str, names: Sequence[str]) -> dict[int, str]:
        """Let names in, and give those for which there is no room, by number, with the reason; may ask the database."""
        if self.sure(run, names):
            return {}
        with self._lock:
            known = self._runs.get(run)
        if known is None or self._clock() - known.looked > AGAIN_S:
            self._keep(run, self._store.keys(run))
        with self._lock:
            # Taken away meanwhile, in favour of others: then nothing is known for now, and nothing refused.
            found = self._runs.get(run)
            return {} if found is None else self._let_in(found, names)

    def _keep(self, run: str, names: Collection[str]) -> None:
        with self._lock:
            before = self._runs.pop(run, None)
            fresh = before.fresh if before is not None else set()  # perhaps not stored yet
            self._size -= len(before.names) if before is not None else 0
            self._runs[run] = _Known({*names, *fresh} - {WALL}, self._clock())
            self._size += len(self._runs[run].names)
            while self._size > MOST_NAMES and len(self._runs) > 1:
                self._size -= len(self._runs.popitem(last=False)[1].names)

    def _let_in(self, known: _Known, names: Sequence[str]) -> dict[int, str]:
        refused: dict[int, str] = {}
        before = len(known.names)
        for number, name in enumerate(names):
            if name in known.names or name == WALL:
                continue
            if len(known.names) < self._most:
                known.names.add(name)
                known.fresh.add(name)
            else:
                refused[number] = (
                    f"the run has {len(known.names):,} series, and may have {self._most:,}; what is logged under the "
                    f"new name {name!r:.80} is not kept. Log under fewer names, or have ERGOSCOPE_RUN_SERIES raised at "
                    "the service"
                )
        self._size += len(known.names) - before
        return refused
