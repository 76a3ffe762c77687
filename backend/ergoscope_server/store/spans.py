"""Which chunks and which rows of the pyramid a range of steps needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from ergoscope_server.store.packing import CHUNK
from ergoscope_server.store.pyramid import cell_size, chunks_in_row
from ergoscope_server.store.streams import StreamState

Finder: TypeAlias = Callable[[int, int], int | None]  # stream, step -> number of the first chunk ending there or later
FINEST = 0  # no pyramid: the chunks themselves
CELLS_A_BUCKET = 2  # at least; so that buckets are of nearly equal width


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a stream that a range of steps needs.

    low, high: chunks low to below high lie wholly inside.
    edges: chunks that lie inside in part.
    tail: whether the fragments may hold points of the range.
    """

    stream: StreamState
    first: int
    last: int
    low: int
    high: int
    edges: tuple[int, ...]
    tail: bool

    @property
    def least(self) -> int:
        """Points it certainly has."""
        return CHUNK * (self.high - self.low)


def span(stream: StreamState, first: int, last: int, find: Finder) -> Span | None:
    """Find the part of a stream between two steps; None when there is none."""
    if stream.last_step < first or stream.first_step > last or first > last:
        return None
    low, high, edges = 0, stream.chunks, set[int]()
    if first > stream.first_step and high:
        start = find(stream.number, first)
        if start is None:
            low = high
        else:
            low = start + 1
            edges.add(start)
    if last < stream.last_step and low <= high:
        end = find(stream.number, last + 1)
        if end is not None:
            high = end
            edges.add(end)
    tail = last >= stream.last_step or high == stream.chunks
    return Span(stream, first, last, min(low, high), high, tuple(sorted(edges)), tail)


def narrow(whole: Span, chunks: int, *, newest: bool) -> Span:
    """Keep so many inner chunks at one end of a span, and what lies beyond them at that end."""
    if whole.high - whole.low <= chunks:
        return whole
    if newest:
        low = whole.high - chunks
        return replace(whole, low=low, edges=tuple(edge for edge in whole.edges if edge >= low))
    high = whole.low + chunks
    return replace(whole, high=high, edges=tuple(edge for edge in whole.edges if edge < high), tail=False)


def level_for(points: int, buckets: int) -> int:
    """Choose the coarsest level that still has CELLS_A_BUCKET cells a bucket; FINEST when none has."""
    level = FINEST
    while cell_size(level + 1) * CELLS_A_BUCKET * buckets <= points:
        level += 1
    return level


def cover(low: int, high: int, level: int, chunks: int) -> Iterator[tuple[int, int, int]]:
    """Cover chunks low to below high with rows of a level and, at the ragged ends, of lower ones.

    Args:
        low: First chunk number.
        high: The number after the last chunk.
        level: The coarsest to use, FINEST for chunks only.
        chunks: Whole chunks of the stream: rows exist only where all chunks below them do.

    Yields:
        (level, low, high): blocks of a level, low to below high; they cover each chunk once.

    Example:
        >>> list(cover(1, 34, 2, 40))
        [(1, 1, 16), (2, 1, 2), (1, 32, 34)]
    """
    if low >= high:
        return
    width = chunks_in_row(level) if level > FINEST else 1
    start, end = -(-low // width), min(high, chunks) // width
    if start >= end or width == 1:
        yield from [(level, low, high)] if width == 1 else cover(low, high, level - 1, chunks)
        return
    yield from cover(low, start * width, level - 1, chunks)
    yield level, start, end
    yield from cover(end * width, high, level - 1, chunks)
