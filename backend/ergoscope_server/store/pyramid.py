"""The pyramid over a stream's chunks: cells of 64 points, then sixteen cells to one, level by level.

A row holds sixteen cells, is written once, when the last of them is complete, and never again:
level 1 has one row a chunk, level 2 one row every 16 chunks, and so on.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from ergoscope_server.store.cells import Cells, cells_of, merge
from ergoscope_server.store.packing import CHUNK
from ergoscope_server.store.points import Points

FAN = 16
LEAF = CHUNK // FAN
Reader: TypeAlias = Callable[[int, int, int], Mapping[int, bytes]]  # level, low, high -> rows by block
_FIELDS = 7  # of a packed cell, eight bytes each; the count follows from the level


def cell_size(level: int) -> int:
    """Points in a cell of a level."""
    return int(LEAF * FAN ** (level - 1))


def chunks_in_row(level: int) -> int:
    """Chunks that a row of a level covers."""
    return int(FAN ** (level - 1))


def base(points: Points) -> list[bytes]:
    """Make the rows of level 1 for whole chunks, one a chunk."""
    return pack_rows(_regular(cells_of(points), LEAF))


def above(rows: list[bytes], level: int) -> bytes:
    """Make the row that stands over sixteen rows of a level."""
    return pack_rows(_regular(unpack_rows(rows, level), FAN))[0]


def rise(bottom: Mapping[int, bytes], read: Reader) -> Iterator[tuple[int, int, bytes]]:
    """Give the rows that come into being above new rows of level 1.

    Args:
        bottom: The new rows by block; the blocks follow one another.
        read: Gives the rows that were there before.

    Yields:
        (level, block, row), level by level.
    """
    level = 1
    while bottom:
        made: dict[int, bytes] = {}
        for block in range(min(bottom) // FAN, (max(bottom) + 1) // FAN):
            span = range(block * FAN, (block + 1) * FAN)
            there = read(level, span.start, min(min(bottom), span.stop)) if span.start < min(bottom) else {}
            made[block] = above([bottom[i] if i in bottom else there[i] for i in span], level)
        level += 1
        yield from ((level, block, row) for block, row in made.items())
        bottom = made


def pack_rows(cells: Cells) -> list[bytes]:
    """Pack cells, sixteen a row; their counts are not kept."""
    words = np.empty((len(cells) // FAN, _FIELDS, FAN), "<i8")
    for i, integers in enumerate((cells.first, cells.last, cells.nonfinite)):
        words[:, i] = integers.reshape(-1, FAN)
    for i, floats in enumerate((cells.low, cells.high, cells.mean, cells.final), 3):
        words[:, i] = floats.view(np.int64).reshape(-1, FAN)
    return [row.tobytes() for row in words]


def unpack_rows(rows: list[bytes], level: int) -> Cells:
    """Give the cells of at least one row of a level, row after row."""
    words = np.frombuffer(b"".join(rows), "<i8").reshape(len(rows), _FIELDS, FAN)
    first, last, nonfinite = (words[:, i].ravel() for i in range(3))
    low, high, mean, final = (words[:, i].ravel().view(np.float64) for i in range(3, _FIELDS))
    count = np.full(len(first), cell_size(level), np.int64)
    return Cells(first, last, low, high, mean, final, count, nonfinite)


def _regular(cells: Cells, size: int) -> Cells:
    return merge(cells, np.arange(0, len(cells), size), np.arange(len(cells)))
