"""Fetching what spans need, with one statement for all streams that need the same blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import Connection

from ergoscope_server.store.cells import Cells
from ergoscope_server.store.chunks import read_chunks, read_fragments, read_pyramid
from ergoscope_server.store.points import Points, join
from ergoscope_server.store.pyramid import unpack_rows
from ergoscope_server.store.spans import FINEST, Span, cover


@dataclass(slots=True)
class Found:
    """What was found of one span: cells of its inside, and points, in step order, of the rest."""

    cells: list[Cells] = field(default_factory=list)
    pieces: list[Points] = field(default_factory=list)

    @property
    def points(self) -> Points:
        """The points as one."""
        return join(self.pieces)


def fetch(
    connection: Connection, run: str, spans: Sequence[Span], *, level: int, cells: bool = False
) -> dict[int, Found]:
    """Give what spans hold, by the number of their stream.

    Args:
        connection: A snapshot.
        run: Its streams.
        spans: At most one a stream.
        level: The coarsest of the pyramid to use, FINEST for points only.
        cells: Give cells of what is thinned, which lose no extreme; else the points that are left of it.
    """
    found = {span.stream.number: Found() for span in spans}
    wants: dict[tuple[int, int, int], list[int]] = {}
    for span in spans:
        for want in _wants(span, level, span.stream.thinned if cells else 0):
            wants.setdefault(want, []).append(span.stream.number)
    # Chunks of a stream are wanted in the order edge, inside, edge: sorted by number they join in step order.
    for (at, low, high), numbers in sorted(wants.items()):
        if at == FINEST:
            for placed in read_chunks(connection, run, numbers, low, high):
                found[placed.stream].pieces.append(placed.packed.points())
        else:
            rows = read_pyramid(connection, run, numbers, level=at, low=low, high=high)
            for stream, group in groupby(rows, key=lambda row: row.stream):
                found[stream].cells.append(unpack_rows([row.body for row in group], at))
    tails = [span.stream.number for span in spans if span.tail and span.stream.tail]
    if tails:
        for placed in read_fragments(connection, run, tails):
            found[placed.stream].pieces.append(placed.packed.points())
    for span in spans:
        one = found[span.stream.number]
        one.pieces = [piece.within(span.first, span.last) for piece in one.pieces]
        one.cells = [some.within(span.first, span.last) for some in one.cells]
    return found


def _wants(span: Span, level: int, thinned: int) -> Iterator[tuple[int, int, int]]:
    """Give the blocks of a span, (level, low, high), with rows of the pyramid for its first `thinned` chunks."""
    if level == FINEST:
        yield from cover(span.low, min(span.high, thinned), 1, span.stream.chunks)
        yield from cover(max(span.low, thinned), span.high, FINEST, span.stream.chunks)
    else:
        yield from cover(span.low, span.high, level, span.stream.chunks)
    yield from ((1 if edge < thinned else FINEST, edge, edge + 1) for edge in span.edges)
