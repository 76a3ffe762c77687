"""The outlet that writes to a ring; the only thing that the training thread touches."""

import os
import threading
import time
from collections.abc import Sequence

from ergoscope.entries import KINDS, Kind, pack_keys, pack_record, pack_row
from ergoscope.ring import Ring, RingWriter, Word
from ergoscope_contract.records import Ending, Event, Histogram, Run, Sketch, Spectrum

_ROW = int(Kind.ROW)
_WIDTH = {"f4": 4, "f8": 8}
_CLOSED = {"finished": 1, "failed": 2, "crashed": 2}


class Feed:
    """An `Outlet` onto a ring. Inert in a forked child, and after `end`."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._writer = RingWriter(ring)
        self._owner = os.getpid()
        self._registering = threading.Lock()
        self._columns: list[int] = []  # of each table
        self._unannounced: dict[int, list[str]] = {}  # tables whose names did not fit yet

    @property
    def inert(self) -> bool:
        """Whether this process is not the one that made the feed: a forked child must not disturb the ring."""
        return os.getpid() != self._owner

    def table(self, keys: Sequence[str]) -> int:
        """Register a set of keys once and get its number."""
        names = list(keys)
        with self._registering:
            number = len(self._columns)
            self._columns.append(len(names))
        if not self.inert:
            self._announce(number, names)
        return number

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Hand over a row; one that does not fit its table or the ring is counted as lost."""
        if os.getpid() != self._owner:
            return
        try:
            if self._unannounced and not self._announced(table):
                self._writer.lose()
                return
            width = _WIDTH[dtype]
            if len(values) != width * self._columns[table]:
                self._writer.lose()
                return
            self._writer.put(_ROW, pack_row(table, step, time.time(), width, values))
        except Exception:  # a probe's mistake is not the training's
            self._writer.lose()

    def record(self, record: Histogram | Sketch | Spectrum | Event) -> None:
        """Hand over one record of the contract."""
        self._put(record)

    def about(self, run: Run) -> None:
        """Say who the run is, again."""
        self._put(run)

    def end(self, ending: Ending) -> None:
        """Say that nothing follows, even when the ring has no room left for the reason."""
        if self.inert:
            return
        self._put(ending)
        self._ring.words[Word.CLOSED] = _CLOSED[ending.how]

    def _put(self, record: Histogram | Sketch | Spectrum | Event | Run | Ending) -> None:
        if self.inert:
            return
        try:
            self._writer.put(KINDS[type(record)], pack_record(record))
        except Exception:
            self._writer.lose()

    def _announce(self, table: int, names: list[str]) -> None:
        try:
            if not self._writer.put_now(Kind.KEYS, pack_keys(table, names)):
                self._unannounced[table] = names
        except Exception:
            self._writer.lose()

    def _announced(self, table: int) -> bool:
        names = self._unannounced.pop(table, None)
        if names is not None:
            self._announce(table, names)
        return table not in self._unannounced


class Nowhere:
    """The outlet of a disabled run: takes everything, keeps nothing."""

    inert = True

    def table(self, keys: Sequence[str]) -> int:  # noqa: ARG002  # the protocol's name
        """Number every table 0."""
        return 0

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Let it go."""

    def record(self, record: Histogram | Sketch | Spectrum | Event) -> None:
        """Let it go."""

    def about(self, run: Run) -> None:
        """Let it go."""

    def end(self, ending: Ending) -> None:
        """Let it go."""
