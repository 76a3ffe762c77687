"""What a row of the arrival log holds: the points of one batch, already checked, in the columns they came in."""

from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np

from ergoscope_server.store.points import FloatArray, IntArray

WALL = "wall"  # the metric that is made of the blocks' times

Dtype = Literal["f4", "f8"]


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """Rows that share their series: packed int64 steps, and packed columns one after the other."""

    keys: list[int]
    steps: bytes
    values: bytes
    dtype: Dtype = "f8"
    wall: tuple[float, float] | None = None

    def step_array(self) -> IntArray:
        """Give the steps, shape (rows,)."""
        return np.frombuffer(self.steps, "<i8")

    def value_array(self) -> FloatArray:
        """Give the values, shape (columns, rows), in the type they came in."""
        return np.frombuffer(self.values, "<" + self.dtype).reshape(len(self.keys), -1)


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """The points of one batch, under the names of its key table."""

    names: list[str]
    rows: list[Rows]

    def pack(self) -> bytes:
        """Give the bytes that `read_entry` reads; none when there is no point."""
        return _encoder.encode(self) if self.rows else b""

    def find(self, metric: str) -> Iterator[tuple[IntArray, FloatArray]]:
        """Give steps and values of one metric, block by block in the order they were logged."""
        if metric == WALL:
            yield from (times for rows in self.rows if (times := wall_times(rows)) is not None)
            return
        if metric not in self.names:
            return
        wanted = {number for number, name in enumerate(self.names) if name == metric}
        for rows in self.rows:
            for column, key in enumerate(rows.keys):
                if key in wanted:
                    yield rows.step_array(), rows.value_array()[column]

    def series(self) -> dict[str, list[tuple[IntArray, FloatArray]]]:
        """Give steps and values of every metric, as `find` does for one."""
        found: dict[str, list[tuple[IntArray, FloatArray]]] = {}
        for rows in self.rows:
            steps, values = rows.step_array(), rows.value_array()
            for column, key in enumerate(rows.keys):
                found.setdefault(self.names[key], []).append((steps, values[column]))
            times = wall_times(rows)
            if times is not None:
                found.setdefault(WALL, []).append(times)
        return found

    def metrics(self) -> list[str]:
        """Give the names that have points here, each once, in the order they were sent."""
        found = dict.fromkeys(self.names[key] for rows in self.rows for key in rows.keys)
        return [*found, WALL] if any(rows.wall is not None for rows in self.rows) else [*found]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)
_NOTHING = Entry([], [])


def read_entry(data: bytes) -> Entry:
    """Read what `Entry.pack` gave."""
    return _decoder.decode(data) if data else _NOTHING


def wall_times(rows: Rows) -> tuple[IntArray, FloatArray] | None:
    """Give the points (step, Unix time) that a block's first and last row are worth, in step order."""
    if rows.wall is None or not rows.steps:
        return None
    steps = rows.step_array()
    if len(steps) == 1:
        return steps.copy(), np.array([rows.wall[1]])
    ends, times = steps[[0, -1]], np.array(rows.wall)
    order = np.argsort(ends, kind="stable")
    return ends[order], times[order]
