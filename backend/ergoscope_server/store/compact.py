"""Compaction: the lanes of a series that was logged very much out of order become one stream again."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ergoscope_server.store import chunks, streams
from ergoscope_server.store.chunks import Placed, PyramidRow
from ergoscope_server.store.fetch import fetch
from ergoscope_server.store.folding import FoldState, advance, read_state
from ergoscope_server.store.growth import Layouts
from ergoscope_server.store.pieces import Owner
from ergoscope_server.store.points import HIGHEST, LOWEST, join
from ergoscope_server.store.pyramid import base, rise
from ergoscope_server.store.spans import FINEST, Span
from ergoscope_server.store.streams import StreamState


@dataclass(frozen=True, slots=True)
class Compacted:
    """One stream in place of several, with its rows."""

    before: FoldState
    stream: StreamState
    gone: list[int]
    chunks: list[Placed]
    fragments: list[Placed]
    pyramid: list[PyramidRow]


def prepare_compaction(connection: Connection, run: str, owner: Owner) -> Compacted | None:
    """Work out one stream that holds what the lanes of a series hold; of one step only the newest point is kept.

    A series that is thinned stays as it is: its extremes are in the pyramid, and not in the points that are left.
    """
    before = read_state(connection, run)
    metric, attempt, rank = owner
    lanes = [s for s in streams.load(connection, run, [metric]) if (s.attempt, s.rank) == (attempt, rank)]
    if len(lanes) < 2 or any(s.thinned for s in lanes):
        return None
    lanes.sort(key=lambda state: state.lane)
    spans = [Span(s, LOWEST, HIGHEST, 0, s.chunks, (), tail=True) for s in lanes]
    found = fetch(connection, run, spans, level=FINEST)
    points = join([found[s.number].points for s in lanes]).settled()
    arrived = max(s.arrived for s in lanes)
    number = before.streams + 1
    growth = Layouts().grow([], points, arrived=arrived)
    bottom = dict(enumerate(base(join([part for _, part in growth.chunks])))) if growth.chunks else {}
    rows = [PyramidRow(number, 1, block, row) for block, row in bottom.items()]
    rows += [PyramidRow(number, *risen) for risen in rise(bottom, _nothing_before)]
    fragment = growth.fragment
    state = StreamState(
        number,
        metric,
        attempt,
        rank,
        0,
        points=len(points),
        first_step=int(points.steps[0]),
        last_step=int(points.steps[-1]),
        arrived=arrived,
        newest=float(points.values[-1]),
        tail=[fragment.n] if fragment is not None else [],
    )
    return Compacted(
        before,
        state,
        [s.number for s in lanes],
        [Placed(number, i, packed) for i, (packed, _) in enumerate(growth.chunks)],
        [Placed(number, len(points) - fragment.n, fragment)] if fragment is not None else [],
        rows,
    )


def write_compaction(connection: Connection, run: str, made: Compacted) -> bool:
    """Put the one stream in place of its lanes; False, and nothing is written, when a fold came in between."""
    if not advance(connection, run, made.before, replace(made.before, streams=made.stream.number)):
        return False
    chunks.drop(connection, run, made.gone)
    streams.remove(connection, run, made.gone)
    streams.save(connection, run, [made.stream])
    chunks.insert_chunks(connection, run, made.chunks)
    chunks.insert_fragments(connection, run, made.fragments)
    chunks.insert_pyramid(connection, run, made.pyramid)
    return True


def _nothing_before(_level: int, _low: int, _high: int) -> dict[int, bytes]:
    return {}
