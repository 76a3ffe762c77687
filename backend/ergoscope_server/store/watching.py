"""What the watch writes: one verdict a run, and alerts.

Several may judge a run at once. Each says which version it began from; the first to write raises it, and the others
write nothing. So no alert is told twice, and none is lost between a verdict and its alerts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from ergoscope_contract.answers import Alert, Verdict
from ergoscope_contract.records import Event
from ergoscope_server.store import shapes
from ergoscope_server.store.runs import hold
from ergoscope_server.store.tables import alert, verdict
from ergoscope_server.store.writing import Writer

_pack = msgspec.msgpack.encode
_verdict = msgspec.msgpack.Decoder(Verdict)
_alert = msgspec.msgpack.Decoder(Alert)
_begin = Writer(verdict, keep=True)
_save_alert = Writer(alert, update=True)
_VERDICT = select(verdict).where(verdict.c.run == bindparam("run"))
_REPLACE = (
    update(verdict)
    .where(verdict.c.run == bindparam("of_run"), verdict.c.version == bindparam("seen"))
    .values(
        data=bindparam("new_data"),
        memory=bindparam("new_memory"),
        version=bindparam("new_version"),
        upto=bindparam("new_upto"),
    )
)
_ALERTS = select(alert.c.data).order_by(alert.c.started.desc(), alert.c.id)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was judged of a run.

    memory: the watch's own, which nobody else reads.
    upto: number of the newest arrival that it has seen.
    version: how often it was judged.
    """

    verdict: Verdict
    memory: bytes = b""
    upto: int = 0
    version: int = 0


def read_verdict(connection: Connection, run: str) -> Judged | None:
    """Give what was judged of a run last."""
    row = connection.execute(_VERDICT, {"run": run}).first()
    return None if row is None else Judged(_verdict.decode(row.data), row.memory, row.upto, row.version)


def save_verdict(connection: Connection, judged: Judged, events: Sequence[Event], alerts: Sequence[Alert]) -> bool:
    """Put what is judged of a run in place of what was, with the events and alerts that come of it.

    Returns:
        False, and nothing is written, when what was is no longer of the version that `judged` began from, or the run
        is deleted.
    """
    run, data = judged.verdict.run, _pack(judged.verdict)
    if judged.version == 0:
        if not hold(connection, run):
            return False
        _begin(connection, [(run, data, judged.memory, 0, judged.upto)])
    changed = connection.execute(
        _REPLACE,
        {
            "of_run": run,
            "seen": judged.version,
            "new_data": data,
            "new_memory": judged.memory,
            "new_version": judged.version + 1,
            "new_upto": judged.upto,
        },
    )
    if changed.rowcount != 1:
        return False
    shapes.append_events(connection, run, events)
    for fired in alerts:
        save_alert(connection, fired)
    return True


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
