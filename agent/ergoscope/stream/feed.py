"""The job's end of a ring; the only thing that the training thread touches."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from ergoscope.errors import RingError
from ergoscope.stream.entries import KINDS, Kind, Record, pack_keys, pack_record, pack_row
from ergoscope.stream.mailbox import MailboxReader
from ergoscope.stream.overflow import Overflow, Row, Thinned
from ergoscope.stream.ring import HEAD, Ring, RingWriter, Word
from ergoscope_contract.records import Ending, Event, Grid, Histogram, Run, Sketch, Spectrum
from ergoscope_contract.slices import SliceRequest

_ROW = int(Kind.ROW)
_WIDTH = {"f4": 4, "f8": 8}
_CLOSED = {"finished": 1, "failed": 2, "crashed": 2}
TEND_S = 2.0  # between two looks after the sidecar
ROWS_A_CALL = 16  # that one call may bring up from behind
EVENTS_AT_MOST = 256  # that wait for room
PAUSE_S = 0.005


class Feed:
    """An `Outlet` onto a ring. Inert in a forked child, and after `end`."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._writer = RingWriter(ring)
        self._mailbox = MailboxReader(ring)
        self._owner = os.getpid()
        self._registering = threading.Lock()
        self._columns: list[int] = []  # of each table
        self._unannounced: dict[int, list[str]] = {}  # tables whose names did not fit yet
        self._behind = threading.Lock()  # held by who works on what follows; nobody waits for it in a step
        self._overflow = Overflow()
        self._largest = ring.capacity // 2 - HEAD.size  # what is larger may never fit
        self._untold: deque[tuple[int, bytes]] = deque()
        self._full = False  # whether anything waits for room in the ring
        self._tend: Callable[[], None] = _nothing
        self._tend_at = 0.0

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

    def attend(self, tend: Callable[[], None]) -> None:
        """Have the sidecar looked after every few seconds, on the way of a row; `tend` must be quick."""
        self._tend = tend

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Hand over a row; one that does not fit its table is counted as lost, one too many for the ring is kept."""
        if os.getpid() != self._owner:
            return
        try:
            width, now = _WIDTH[dtype], time.time()
            if len(values) != width * self._columns[table]:
                self._writer.lose()
                return
            packed = pack_row(table, step, now, width, values)
            if len(packed) > self._largest:
                self._writer.lose()
                return
            if self._full or self._unannounced or not self._writer.offer(_ROW, packed):
                self._delay(Row(table, step, now, width, values))
            if now >= self._tend_at:
                self._tend_at = now + TEND_S
                self._tend()
        except Exception:  # a probe's mistake is not the training's
            self._writer.lose()

    def record(self, record: Histogram | Sketch | Spectrum | Grid | Event) -> None:
        """Hand over one record of the contract."""
        self._put(record)

    def about(self, run: Run) -> None:
        """Say who the run is, again."""
        self._put(run)

    def requests(self) -> Sequence[SliceRequest] | None:
        """All that is asked of the job, once after each change; a look at one number, and None, when nothing is new."""
        try:
            return self._mailbox.take()
        except RingError as error:
            self._put(Event(kind="agent", wall=time.time(), text=str(error)))
            return None

    def settle(self, seconds: float) -> None:
        """Hand over what waits for room in the ring, as the sidecar makes some; what is left after that is lost."""
        if self.inert:
            return
        deadline = time.monotonic() + seconds
        while (self._full or self._untold) and time.monotonic() < deadline:
            # With a limit: what holds it may be the very code that a signal's handler has interrupted to end the run.
            if self._behind.acquire(timeout=PAUSE_S):
                try:
                    self._catch_up(len(self._overflow))
                finally:
                    self._behind.release()
            if self._full:
                self._tend()
                time.sleep(PAUSE_S)
        self._writer.lose(len(self._overflow) + len(self._untold))

    def end(self, ending: Ending) -> None:
        """Say that nothing follows, even when the ring has no room left for the reason."""
        if self.inert:
            return
        self._put(ending)
        self._ring.words[Word.CLOSED] = _CLOSED[ending.how]

    def _put(self, record: Record) -> None:
        if self.inert:
            return
        try:
            kind, packed = KINDS[type(record)], pack_record(record)
            if self._writer.offer(kind, packed):
                return
            waits = _cannot_be_missed(record) and len(packed) <= self._largest
            if waits and len(self._untold) < EVENTS_AT_MOST:
                self._untold.append((kind, packed))
                self._full = True
            else:
                self._writer.lose()
        except Exception:
            self._writer.lose()

    def _delay(self, row: Row) -> None:
        """Queue a row behind those that wait, and bring up some of them."""
        if not self._behind.acquire(blocking=False):
            self._writer.lose()
            return
        try:
            self._full = True
            given_up = self._overflow.add(row)
            if given_up:
                self._writer.lose(given_up)
            self._catch_up(ROWS_A_CALL)
        finally:
            self._behind.release()

    def _catch_up(self, rows: int) -> None:
        while rows and (row := self._overflow.first()):
            packed = pack_row(row.table, row.step, row.wall, row.width, row.values)
            if not self._announced(row.table) or not self._writer.offer(_ROW, packed):
                return
            self._overflow.drop_first()
            rows -= 1
        while self._untold:
            if not self._writer.offer(*self._untold[0]):
                return
            self._untold.popleft()
        for table in list(self._unannounced):
            self._announced(table)
        self._full = bool(len(self._overflow))
        if not self._full and (thinned := self._overflow.report()):
            self._put(_describe(thinned))

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


def _cannot_be_missed(record: Record) -> bool:
    return isinstance(record, Event | Run) or (isinstance(record, Grid) and not record.partial)


def _describe(thinned: Thinned) -> Event:
    text = (
        f"the sidecar did not keep up: between steps {thinned.first} and {thinned.last}, {thinned.rows} rows were "
        f"given up, the oldest first; one in {thinned.factor} is left at the least, with the lowest and highest values"
    )
    data: dict[str, object] = {"rows": thinned.rows, "first": thinned.first, "last": thinned.last}
    return Event(kind="agent", wall=time.time(), step=thinned.last, text=text, data={**data, "factor": thinned.factor})


def _nothing() -> None:
    """Look after nobody."""


class Nowhere:
    """The outlet of a disabled run: takes everything, keeps nothing."""

    inert = True

    def table(self, keys: Sequence[str]) -> int:  # noqa: ARG002  # the protocol's name
        """Number every table 0."""
        return 0

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Let it go."""

    def record(self, record: Histogram | Sketch | Spectrum | Grid | Event) -> None:
        """Let it go."""

    def about(self, run: Run) -> None:
        """Let it go."""

    def requests(self) -> Sequence[SliceRequest] | None:
        """Nobody asks for anything."""
        return ()

    def attend(self, tend: Callable[[], None]) -> None:
        """Look after nobody."""

    def settle(self, seconds: float) -> None:
        """Keep nobody waiting."""

    def end(self, ending: Ending) -> None:
        """Let it go."""
