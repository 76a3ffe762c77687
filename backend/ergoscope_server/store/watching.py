"""What the watch writes: one verdict a run, and alerts."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, select

from ergoscope_contract.answers import Alert, Verdict
from ergoscope_contract.records import Event
from ergoscope_server.store import shapes
from ergoscope_server.store.tables import alert, verdict
from ergoscope_server.store.writing import Writer

_pack = msgspec.msgpack.encode
_verdict = msgspec.msgpack.Decoder(Verdict)
_alert = msgspec.msgpack.Decoder(Alert)
_save_verdict = Writer(verdict, update=True)
_save_alert = Writer(alert, update=True)
_VERDICT = select(verdict.c.data, verdict.c.memory).where(verdict.c.run == bindparam("run"))
_ALERTS = select(alert.c.data).order_by(alert.c.started.desc(), alert.c.id)


def read_verdict(connection: Connection, run: str) -> tuple[Verdict, bytes] | None:
    """Give a run's last verdict and the watch's memory of it."""
    row = connection.execute(_VERDICT, {"run": run}).first()
    return None if row is None else (_verdict.decode(row[0]), row[1])


def save_verdict(connection: Connection, judged: Verdict, memory: bytes, events: Sequence[Event] = ()) -> None:
    """Put a run's verdict in place of the one before, and append the events that the watch made of it."""
    _save_verdict(connection, [(judged.run, _pack(judged), memory)])
    shapes.append_events(connection, judged.run, events)


def read_alerts(connection: Connection, *, run: str | None = None, state: str | None = None) -> list[Alert]:
    """Give alerts, newest first, of one run or state where asked."""
    query = _ALERTS
    if run is not None:
        query = query.where(alert.c.run == run)
    if state is not None:
        query = query.where(alert.c.state == state)
    return [_alert.decode(data) for (data,) in connection.execute(query)]


def save_alert(connection: Connection, fired: Alert) -> None:
    """Insert an alert, or put it in place of the one with its run and id."""
    _save_alert(connection, [(fired.run, fired.id, fired.state, fired.started, _pack(fired))])
