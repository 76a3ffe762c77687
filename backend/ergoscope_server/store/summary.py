"""The summary of a run: its row, how long it has been quiet, and its last verdict."""

from typing import cast

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from ergoscope_contract.answers import RunSummary, Status, Verdict
from ergoscope_contract.records import JsonObject, Run
from ergoscope_server.store.runs import read_latest
from ergoscope_server.store.tables import run, verdict

QUIET_S = 10.0  # a sender gives a sign of life every few seconds
QUIET_GAPS = 4.0  # or, where that is longer, this many of its usual gaps

_about = msgspec.msgpack.Decoder(Run)
_system = msgspec.msgpack.Decoder(JsonObject)
_verdict = msgspec.msgpack.Decoder(Verdict)

_ALL = select(run, verdict.c.data.label("verdict")).outerjoin(verdict, verdict.c.run == run.c.id)
_ONE = _ALL.where(run.c.id == bindparam("id"))
_NEWEST = _ALL.order_by(run.c.created.desc(), run.c.id.desc())
_LIVE = select(run.c.id).where(run.c.status == "running").order_by(run.c.id)


def read_summary(connection: Connection, run_id: str, *, now: float) -> RunSummary | None:
    """Give one run's summary, None when there is no such run."""
    row = connection.execute(_ONE, {"id": run_id}).first()
    return None if row is None else _summarize(row, now)


def read_summaries(
    connection: Connection, *, now: float, project: str | None = None, status: str | None = None, limit: int
) -> list[RunSummary]:
    """Give the newest runs first, of one project or status where asked."""
    query = _NEWEST
    if project is not None:
        query = query.where(run.c.project == project)
    if status is not None:
        # Silence is not written anywhere: it is a running run whose clock ran out.
        query = query.where(run.c.status == ("running" if status == "silent" else status))
    found: list[RunSummary] = []
    for row in connection.execute(query.limit(limit)):
        summary = _summarize(row, now)
        if status is None or summary.status == status:
            found.append(summary)
    return found


def read_live(connection: Connection) -> list[str]:
    """Give the ids of the runs that have not ended, silent ones too."""
    return list(connection.execute(_LIVE).scalars())


def _summarize(row: Row[tuple[object, ...]], now: float) -> RunSummary:
    about = _about.decode(row.about) if row.about else Run(row.id, row.project, row.name, row.created)
    judged = _verdict.decode(row.verdict) if row.verdict else Verdict(row.id, 0)
    quiet = now - row.last_seen > max(QUIET_S, QUIET_GAPS * row.gap)
    return RunSummary(
        id=row.id,
        project=row.project,
        name=row.name,
        status="silent" if row.status == "running" and quiet else cast("Status", row.status),
        created=row.created,
        last_seen=row.last_seen,
        last_step=row.last_step,
        cursor=row.cursor,
        attempts=row.attempts,
        lost=row.lost,
        config=about.config,
        system=_system.decode(row.system) if row.system else {},
        tags=about.tags,
        group=about.group,
        job_type=about.job_type,
        notes=about.notes,
        reason=row.reason,
        state=judged.state,
        flags=judged.flags,
        headline=judged.headline,
        spells=judged.spells,
        latest=read_latest(row.latest),
    )
