"""Histograms, sketches, spectra and events: rows of their own, written when their batch arrives."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from ergoscope_contract.records import Event, Histogram, Sketch, Spectrum
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.attempts import reaches
from ergoscope_server.store.tables import event, shape
from ergoscope_server.store.tables import run as runs
from ergoscope_server.store.writing import Writer

_save_shapes = Writer(shape, update=True)
_save_events = Writer(event)
_EVENTS = select(event.c.data).where(event.c.run == bindparam("run")).order_by(event.c.number, event.c.position)
_LAST = (
    select(runs.c.cursor, runs.c.attempt, func.coalesce(func.max(event.c.position), -1))
    .outerjoin(event, (event.c.run == runs.c.id) & (event.c.number == runs.c.cursor))
    .where(runs.c.id == bindparam("run"))
    .group_by(runs.c.cursor, runs.c.attempt)
)
_NEWEST = (
    select(shape.c.step, shape.c.attempt, shape.c.data)
    .where(
        shape.c.run == bindparam("run"),
        shape.c.kind == bindparam("kind"),
        shape.c.metric == bindparam("metric"),
        shape.c.rank == bindparam("rank"),
    )
    .order_by(shape.c.step.desc(), shape.c.attempt.desc())
    .limit(bindparam("limit"))
)
_FIRSTS = (
    select(shape.c.attempt, func.min(shape.c.step))
    .where(
        shape.c.run == bindparam("run"),
        shape.c.kind == bindparam("kind"),
        shape.c.metric == bindparam("metric"),
        shape.c.rank == bindparam("rank"),
    )
    .group_by(shape.c.attempt)
)
_pack = msgspec.msgpack.encode
_read_event = msgspec.msgpack.Decoder(Event).decode
_read_histogram = msgspec.msgpack.Decoder(Histogram).decode
_read_sketch = msgspec.msgpack.Decoder(Sketch).decode
_read_spectrum = msgspec.msgpack.Decoder(Spectrum).decode


def write(connection: Connection, taken: Sequence[tuple[int, Arrival]]) -> None:
    """Write what batches bring besides points, under the numbers the batches were given."""
    _save_shapes(
        connection,
        [
            (batch.run, row.kind, row.metric, batch.rank, row.step, batch.attempt, row.data)
            for _, batch in taken
            for row in batch.shapes
        ],
    )
    _save_events(
        connection,
        [
            (batch.run, number, position, batch.attempt, batch.rank, data)
            for number, batch in taken
            for position, data in enumerate(batch.events)
        ],
    )


def append_events(connection: Connection, run: str, events: Sequence[Event]) -> None:
    """Append events of the service's own making: behind those that came with the run's newest arrival."""
    if events:
        number, attempt, last = connection.execute(_LAST, {"run": run}).one()
        rows = [(run, number, last + 1 + i, attempt, 0, _pack(one)) for i, one in enumerate(events)]
        _save_events(connection, rows)


def read_events(connection: Connection, run: str) -> list[Event]:
    """Give a run's events in the order they arrived."""
    return [_read_event(data) for (data,) in connection.execute(_EVENTS, {"run": run})]


def read_histograms(connection: Connection, run: str, key: str, *, rank: int, limit: int) -> list[Histogram]:
    """Give the newest `limit` histograms of a key in step order; from its first step on the newer attempt's count."""
    return [_read_histogram(data) for data in _newest(connection, run, "histogram", key, rank=rank, limit=limit)]


def read_sketches(connection: Connection, run: str, key: str, *, rank: int, limit: int) -> list[Sketch]:
    """Give the newest `limit` sketches of a key in step order; from its first step on the newer attempt's count."""
    return [_read_sketch(data) for data in _newest(connection, run, "sketch", key, rank=rank, limit=limit)]


def read_spectra(connection: Connection, run: str, key: str, *, rank: int, limit: int) -> list[Spectrum]:
    """Give the newest `limit` spectra of a key in step order; from its first step on the newer attempt's count."""
    return [_read_spectrum(data) for data in _newest(connection, run, "spectrum", key, rank=rank, limit=limit)]


def _newest(connection: Connection, run: str, kind: str, key: str, *, rank: int, limit: int) -> list[bytes]:
    where = {"run": run, "kind": kind, "metric": key, "rank": rank}
    limits = reaches({row[0]: row[1] for row in connection.execute(_FIRSTS, where)})
    # Twice as many rows as asked: one resume in the range may hide half of them.
    rows = connection.execute(_NEWEST, {**where, "limit": 2 * limit}).all()
    kept = [data for step, attempt, data in rows if step <= limits[attempt]]
    return kept[:limit][::-1]
