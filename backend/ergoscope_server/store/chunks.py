"""Rows of chunks, fragments and pyramid: one statement a function."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select

from ergoscope_server.store.packing import Packed
from ergoscope_server.store.tables import chunk, fragment, pyramid
from ergoscope_server.store.thinning import points_in
from ergoscope_server.store.writing import Row, Writer

AT_ONCE = 2_000  # bound parameters of one statement


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of a stream: a chunk at its number, or a fragment at the position of its first point."""

    stream: int
    place: int
    packed: Packed


@dataclass(frozen=True, slots=True)
class PyramidRow:
    """Sixteen packed cells of a stream."""

    stream: int
    level: int
    block: int
    body: bytes


_write_chunks, _write_fragments, _write_pyramid = Writer(chunk), Writer(fragment), Writer(pyramid)
_DELETE_FRAGMENT = delete(fragment).where(
    fragment.c.run == bindparam("of_run"),
    fragment.c.stream == bindparam("of_stream"),
    fragment.c.position == bindparam("at"),
)
_DELETE_CHUNKS = delete(chunk).where(
    chunk.c.run == bindparam("of_run"),
    chunk.c.stream == bindparam("of_stream"),
    chunk.c.number >= bindparam("low"),
    chunk.c.number <= bindparam("high"),
)
_CHUNKS = (
    select(chunk)
    .where(
        chunk.c.run == bindparam("run"),
        chunk.c.stream.in_(bindparam("streams", expanding=True)),
        chunk.c.number >= bindparam("low"),
        chunk.c.number < bindparam("high"),
    )
    .order_by(chunk.c.stream, chunk.c.number)
)
_ARRIVED = _CHUNKS.where(chunk.c.arrived > bindparam("since"))
_FRAGMENTS = (
    select(fragment)
    .where(fragment.c.run == bindparam("run"), fragment.c.stream.in_(bindparam("streams", expanding=True)))
    .order_by(fragment.c.stream, fragment.c.position)
)
_ROWS = (
    select(pyramid.c.stream, pyramid.c.block, pyramid.c.body)
    .where(
        pyramid.c.run == bindparam("run"),
        pyramid.c.stream.in_(bindparam("streams", expanding=True)),
        pyramid.c.level == bindparam("level"),
        pyramid.c.block >= bindparam("low"),
        pyramid.c.block < bindparam("high"),
    )
    .order_by(pyramid.c.stream, pyramid.c.block)
)
_AT_STEP = (
    select(chunk.c.number)
    .where(
        chunk.c.run == bindparam("run"),
        chunk.c.stream == bindparam("stream"),
        chunk.c.last >= bindparam("step"),
    )
    .order_by(chunk.c.last, chunk.c.number)
    .limit(1)
)
_DROPS = [
    delete(t).where(t.c.run == bindparam("of_run"), t.c.stream == bindparam("of_stream"))
    for t in (chunk, fragment, pyramid)
]


def insert_chunks(connection: Connection, run: str, placed: Sequence[Placed]) -> None:
    """Write chunks."""
    _write_chunks(connection, [key + rest for key, rest in (_written(run, p) for p in placed)])


def replace_chunks(connection: Connection, run: str, placed: Sequence[Placed]) -> None:
    """Write chunks in place of those that are there; of each stream they follow one another."""
    ends: dict[int, list[int]] = {}
    for one in placed:
        ends.setdefault(one.stream, []).append(one.place)
    if ends:
        keys = [{"of_run": run, "of_stream": s, "low": at[0], "high": at[-1]} for s, at in ends.items()]
        connection.execute(_DELETE_CHUNKS, keys)
        insert_chunks(connection, run, placed)


def insert_fragments(connection: Connection, run: str, placed: Sequence[Placed]) -> None:
    """Write fragments."""
    _write_fragments(connection, [(*key, p.packed.n, *rest) for p in placed for key, rest in [_written(run, p)]])


def insert_pyramid(connection: Connection, run: str, rows: Sequence[PyramidRow]) -> None:
    """Write rows of the pyramid."""
    _write_pyramid(connection, [(run, r.stream, r.level, r.block, r.body) for r in rows])


def delete_fragments(connection: Connection, run: str, places: Collection[tuple[int, int]]) -> None:
    """Delete fragments by stream and position."""
    if places:
        rows = [{"of_run": run, "of_stream": stream, "at": position} for stream, position in places]
        connection.execute(_DELETE_FRAGMENT, rows)


def drop(connection: Connection, run: str, streams: Collection[int]) -> None:
    """Delete everything that some streams hold."""
    if streams:
        for statement in _DROPS:
            connection.execute(statement, [{"of_run": run, "of_stream": stream} for stream in streams])


def read_chunks(
    connection: Connection, run: str, streams: Sequence[int], low: int, high: int, *, since: int | None = None
) -> list[Placed]:
    """Give chunks numbered from `low` to below `high`, by stream and number; those with news since an arrival."""
    where: dict[str, object] = {"run": run, "streams": list(streams), "low": low, "high": high}
    if since is None:
        rows = connection.execute(_CHUNKS, where)
    else:
        rows = connection.execute(_ARRIVED, {**where, "since": since})
    return [_chunk(*row) for row in rows]


def read_fragments(connection: Connection, run: str, streams: Sequence[int]) -> list[Placed]:
    """Give all fragments of some streams, by stream and position."""
    found: list[Placed] = []
    for start in range(0, len(streams), AT_ONCE):
        some = {"run": run, "streams": list(streams[start : start + AT_ONCE])}
        found.extend(_fragment(*row) for row in connection.execute(_FRAGMENTS, some))
    return found


def read_pyramid(
    connection: Connection, run: str, streams: Sequence[int], *, level: int, low: int, high: int
) -> list[PyramidRow]:
    """Give the rows of a level from block `low` to below `high`, by stream and block."""
    where = {"run": run, "streams": list(streams), "level": level, "low": low, "high": high}
    return [PyramidRow(stream, level, block, body) for stream, block, body in connection.execute(_ROWS, where)]


def find_chunk(connection: Connection, run: str, stream: int, step: int) -> int | None:
    """Give the number of the first chunk that ends at a step or later, None when none does."""
    number: int | None = connection.execute(_AT_STEP, {"run": run, "stream": stream, "step": step}).scalar()
    return number


def _fragment(
    _run: str, stream: int, position: int, n: int, first: int, last: int, arrived: int, steps: bytes | None, body: bytes
) -> Placed:
    return Placed(stream, position, Packed(n, first, last, arrived, steps, body))


def _chunk(
    _run: str, stream: int, number: int, first: int, last: int, arrived: int, steps: bytes | None, body: bytes
) -> Placed:
    return Placed(stream, number, Packed(points_in(body), first, last, arrived, steps, body))


def _written(run: str, placed: Placed) -> tuple[Row, Row]:
    packed = placed.packed
    return (run, placed.stream, placed.place), (packed.first, packed.last, packed.arrived, packed.steps, packed.body)
