"""Folding: the points of the arrival log go into chunks and the pyramid.

What is to be written is worked out from a snapshot, without holding anyone up; the writing itself is one short
transaction, which does nothing when another fold of the same run was quicker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import Connection

from ergoscope_server.store import chunks, streams
from ergoscope_server.store.arrivals import read_after
from ergoscope_server.store.chunks import Placed, PyramidRow
from ergoscope_server.store.folding import FoldState, advance, read_state
from ergoscope_server.store.growth import Layouts, taken_in
from ergoscope_server.store.lanes import MOST_LANES, place
from ergoscope_server.store.packing import Packed
from ergoscope_server.store.pieces import Owner, Piece, cut
from ergoscope_server.store.points import Points, join
from ergoscope_server.store.pyramid import base, rise
from ergoscope_server.store.streams import StreamState

MOST_ROWS = 1_000  # batches of one fold


@dataclass(slots=True)
class Folded:
    """What a fold writes.

    more: whether the log may hold more than it takes in.
    points: how many points it takes in.
    crowded: series that have too many lanes now.
    """

    before: FoldState
    upto: int
    numbered: int
    more: bool
    points: int = 0
    streams: list[StreamState] = field(default_factory=list)
    chunks: list[Placed] = field(default_factory=list)
    fragments: list[Placed] = field(default_factory=list)
    pyramid: list[PyramidRow] = field(default_factory=list)
    merged: list[tuple[int, int]] = field(default_factory=list)
    crowded: list[Owner] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Addition:
    """New points of a stream; steps never fall, and do not begin before its last."""

    stream: StreamState
    points: Points
    arrived: int


def prepare(connection: Connection, run: str) -> Folded | None:
    """Work out a fold of what the log holds beyond the last one; None when that is nothing."""
    before = read_state(connection, run)
    log = read_after(connection, run, before.upto, limit=MOST_ROWS)
    if not log:
        return None
    folded = Folded(before, log[-1].number, before.streams, len(log) == MOST_ROWS)
    pieces = list(cut(log))
    lanes = _lanes(connection, run, pieces)
    additions = [add for piece in pieces for add in _additions(folded, lanes.setdefault(piece.owner, []), piece)]
    taken = _taken_in(connection, run, folded, additions)
    layouts = Layouts()
    whole = [
        new for addition in additions for new in _grow(folded, addition, taken.get(addition.stream.number, []), layouts)
    ]
    _build(connection, run, folded, whole)
    return folded


def write(connection: Connection, run: str, folded: Folded) -> bool:
    """Write a fold; False, and nothing is written, when another one was quicker."""
    after = FoldState(folded.upto, folded.before.kept, folded.numbered)
    if not advance(connection, run, folded.before, after):
        return False
    chunks.delete_fragments(connection, run, folded.merged)
    chunks.insert_chunks(connection, run, folded.chunks)
    chunks.insert_fragments(connection, run, folded.fragments)
    chunks.insert_pyramid(connection, run, folded.pyramid)
    streams.save(connection, run, folded.streams)
    return True


def _lanes(connection: Connection, run: str, pieces: Sequence[Piece]) -> dict[Owner, list[StreamState]]:
    owners = {piece.owner for piece in pieces}
    found: dict[Owner, list[StreamState]] = {}
    for state in streams.load(connection, run, {metric for metric, _, _ in owners}):
        owner = (state.metric, state.attempt, state.rank)
        if owner in owners:
            found.setdefault(owner, []).append(state)
    for states in found.values():
        states.sort(key=lambda state: state.lane)
    return found


def _additions(folded: Folded, lanes: list[StreamState], piece: Piece) -> list[_Addition]:
    additions = []
    for lane, start, end in place(piece.steps, [state.last_step for state in lanes]):
        if lane == len(lanes):
            metric, attempt, rank = piece.owner
            folded.numbered += 1
            lanes.append(StreamState(folded.numbered, metric, attempt, rank, lane, first_step=int(piece.steps[start])))
        all_of_it = end - start == len(piece.steps)
        steps = piece.steps if all_of_it else piece.steps[start:end]  # the same object for all that share it
        points = Points(steps, piece.values[start:end])
        additions.append(_Addition(lanes[lane], points, piece.arrived))
    if len(lanes) > MOST_LANES:
        folded.crowded.append(piece.owner)
    folded.points += len(piece.steps)
    return additions


def _taken_in(
    connection: Connection, run: str, folded: Folded, additions: Sequence[_Addition]
) -> dict[int, list[Packed]]:
    for addition in additions:
        state = addition.stream
        position = state.points
        for size in state.tail[: -1 - taken_in(state.tail, len(addition.points)) : -1]:
            position -= size
            folded.merged.append((state.number, position))
    merged = set(folded.merged)
    found = chunks.read_fragments(connection, run, sorted({stream for stream, _ in merged}))
    taken: dict[int, list[Packed]] = {}
    for placed in found:
        if (placed.stream, placed.place) in merged:
            taken.setdefault(placed.stream, []).append(placed.packed)
    return taken


def _grow(folded: Folded, addition: _Addition, before: list[Packed], layouts: Layouts) -> list[tuple[int, int, Points]]:
    state, new = addition.stream, addition.points
    growth = layouts.grow(before, new, arrived=addition.arrived)
    number = state.chunks
    state.tail = state.tail[: len(state.tail) - len(before)]
    state.points += len(new)
    state.last_step, state.newest, state.arrived = int(new.steps[-1]), float(new.values[-1]), addition.arrived
    folded.streams.append(state)
    if growth.fragment is not None:
        state.tail.append(growth.fragment.n)
        folded.fragments.append(Placed(state.number, state.points - growth.fragment.n, growth.fragment))
    for i, (packed, _) in enumerate(growth.chunks):
        folded.chunks.append(Placed(state.number, number + i, packed))
    return [(state.number, number + i, points) for i, (_, points) in enumerate(growth.chunks)]


def _build(connection: Connection, run: str, folded: Folded, whole: Sequence[tuple[int, int, Points]]) -> None:
    """Make the rows of the pyramid over new chunks, given as (stream, number, points)."""
    if not whole:
        return
    rows = base(join([points for _, _, points in whole]))
    for stream, group in groupby(zip(whole, rows, strict=True), key=lambda pair: pair[0][0]):
        bottom = {number: row for (_, number, _), row in group}

        def read(level: int, low: int, high: int, stream: int = stream) -> Mapping[int, bytes]:
            found = chunks.read_pyramid(connection, run, [stream], level=level, low=low, high=high)
            return {row.block: row.body for row in found}

        folded.pyramid.extend(PyramidRow(stream, 1, number, row) for number, row in bottom.items())
        folded.pyramid.extend(PyramidRow(stream, *risen) for risen in rise(bottom, read))
