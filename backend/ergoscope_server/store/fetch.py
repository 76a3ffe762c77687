"""Fetching what spans need, with one statement for all streams that need the same blocks."""

from collections.abc import Sequence
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


def fetch(connection: Connection, run: str, spans: Sequence[Span], *, level: int) -> dict[int, Found]:
    """Give what spans hold, by the number of their stream.

    Args:
        connection: A snapshot.
        run: Its streams.
        spans: At most one a stream.
        level: The coarsest of the pyramid to use, FINEST for points only.
    """
    found = {span.stream.number: Found() for span in spans}
    wants: dict[tuple[int, int, int], list[int]] = {}
    for span in spans:
        for want in cover(span.low, span.high, level, span.stream.chunks):
            wants.setdefault(want, []).append(span.stream.number)
        for edge in span.edges:
            wants.setdefault((FINEST, edge, edge + 1), []).append(span.stream.number)
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
    return found
