"""Rows that the ring has no room for, kept in the job and thinned, oldest first.

Four successive rows of a table become two: the lowest of the four values of each column stand at the first of their
steps, the highest at the last. So no extreme is lost and no value is invented; only the step of a value is not exact
any more. Infinities are extremes like others; a NaN stands for the lowest, and the row that holds the first one of a
column stays as it is. The first row of all is never touched. When a sweep over the older rows is through, the next one
begins: what is old gets coarse, by a factor of two a sweep, and what is new stays fine.
"""

import math
from array import array
from dataclasses import dataclass, field, replace

BYTES_AT_MOST = 8 << 20
ROW_BYTES = 200  # what a row takes besides its values
TOGETHER = 4
_TYPES = {4: "f", 8: "d"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the ring would take it."""

    table: int
    step: int
    wall: float
    width: int
    values: bytes

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return ROW_BYTES + len(self.values)


@dataclass(slots=True)
class _Lane:
    """Rows of one table, oldest first; those before `swept` are through with the present sweep."""

    rows: list[Row] = field(default_factory=list)
    size: int = 0
    swept: int = 1
    sweeps: int = 1
    flawed: set[int] = field(default_factory=set)  # columns of which the first NaN was kept


@dataclass(frozen=True, slots=True)
class Thinned:
    """Rows given up, between which steps; where it is coarsest, one row in `factor` is left, in pairs."""

    rows: int
    first: int
    last: int
    factor: int


class Overflow:
    """Rows in waiting, in bounded memory."""

    def __init__(self, *, limit: int = BYTES_AT_MOST) -> None:
        self._limit = limit
        self._lanes: dict[tuple[int, int], _Lane] = {}
        self._thinned: Thinned | None = None
        self.size = 0  # bytes, about

    def __len__(self) -> int:
        """Count the rows."""
        return sum(len(lane.rows) for lane in self._lanes.values())

    def add(self, row: Row) -> int:
        """Keep a row; where that is too much, thin a little, so that no call takes long.

        Returns:
            How many rows were given up for it.
        """
        lane = self._lanes.setdefault((row.table, row.width), _Lane())
        self._put(lane, len(lane.rows), len(lane.rows), [row])
        given_up = 0
        while self.size > self._limit:
            given_up += self._thin(max(self._lanes.values(), key=lambda lane: lane.size))
        return given_up

    def first(self) -> Row | None:
        """Give the oldest row, None when nothing waits."""
        lane = self._oldest()
        return lane.rows[0] if lane else None

    def drop_first(self) -> None:
        """Forget the oldest row, which has found its way."""
        lane = self._oldest()
        if lane:
            self._put(lane, 0, 1, [])
            lane.swept = max(lane.swept - 1, 1)

    def report(self) -> Thinned | None:
        """Say what was given up since the last report; None when nothing was."""
        said, self._thinned = self._thinned, None
        return said

    def _oldest(self) -> _Lane | None:
        return min(self._lanes.values(), key=lambda lane: lane.rows[0].wall, default=None)

    def _put(self, lane: _Lane, begin: int, end: int, new: list[Row]) -> None:
        """Put rows in the place of others."""
        grown = sum(row.size for row in new) - sum(row.size for row in lane.rows[begin:end])
        lane.rows[begin:end] = new
        lane.size += grown
        self.size += grown
        if not lane.rows:
            self._lanes = {key: other for key, other in self._lanes.items() if other is not lane}

    def _thin(self, lane: _Lane) -> int:
        """Merge four rows of a table; where it has no four besides the first, give up the oldest."""
        if lane.swept + TOGETHER > len(lane.rows):
            lane.swept, lane.sweeps = 1, lane.sweeps + 1
        begin, end = lane.swept, lane.swept + TOGETHER
        if end > len(lane.rows):
            begin, end = 0, 1
        old = lane.rows[begin:end]
        new = merge(old, lane.flawed) if len(old) == TOGETHER else []
        self._put(lane, begin, end, new)
        lane.swept += len(new)
        self._note(old, len(old) - len(new), 2**lane.sweeps)
        return len(old) - len(new)

    def _note(self, old: list[Row], rows: int, factor: int) -> None:
        steps = [row.step for row in old]
        if self._thinned:
            steps += [self._thinned.first, self._thinned.last]
            rows, factor = rows + self._thinned.rows, max(factor, self._thinned.factor)
        self._thinned = Thinned(rows, min(steps), max(steps), factor)


def merge(rows: list[Row], flawed: set[int]) -> list[Row]:
    """Make two of successive rows of one table, or three when one of them holds the first NaN of a column.

    Args:
        rows: At least two, of one table and width.
        flawed: Columns of which the first NaN was kept before; takes those of which it is kept now.
    """
    code = _TYPES[rows[0].width]
    columns: list[array[float]] = [array(code, row.values) for row in rows]
    kept: list[Row] = []
    if math.isfinite(sum(map(sum, columns))):
        low, high = array(code, map(min, *columns)), array(code, map(max, *columns))
    else:
        pairs = [_extremes(values) for values in zip(*columns, strict=True)]
        low, high = (array(code, side) for side in zip(*pairs, strict=True))
        kept = _first_flawed(rows, columns, flawed)
    return [replace(rows[0], values=low.tobytes()), *kept, replace(rows[-1], values=high.tobytes())]


def _extremes(values: tuple[float, ...]) -> tuple[float, float]:
    numbers = [value for value in values if not math.isnan(value)]
    low = min(values) if len(numbers) == len(values) else math.nan
    return low, max(numbers, default=math.nan)


def _first_flawed(rows: list[Row], columns: "list[array[float]]", flawed: set[int]) -> list[Row]:
    for row, values in zip(rows, columns, strict=True):
        fresh = {i for i, value in enumerate(values) if math.isnan(value)} - flawed
        if fresh:
            flawed |= fresh
            return [row]
    return []
