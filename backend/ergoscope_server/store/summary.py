"""The summary of a run: its row, how long it has been quiet, and its last verdict."""

from collections.abc import Collection, Sequence
from typing import cast

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select

from ergoscope_contract.answers import RunSummary, Status, Verdict
from ergoscope_contract.records import Fork, JsonObject, Run
from ergoscope_server.store.muster import Muster, count_ranks
from ergoscope_server.store.quiet import patience
from ergoscope_server.store.runs import read_latest
from ergoscope_server.store.tables import run, verdict

_about = msgspec.msgpack.Decoder(Run)
_system = msgspec.msgpack.Decoder(JsonObject)
_verdict = msgspec.msgpack.Decoder(Verdict)

_ALL = select(run, verdict.c.data.label("verdict")).outerjoin(verdict, verdict.c.run == run.c.id)
_ONE = _ALL.where(run.c.id == bindparam("id"))
_NEWEST = _ALL.order_by(run.c.created.desc(), run.c.id.desc())
_LIVE = select(run.c.id).where(run.c.status == "running").order_by(run.c.id)
_UNJUDGED = (
    select(run.c.id)
    .outerjoin(verdict, verdict.c.run == run.c.id)
    .where(run.c.status != "running", run.c.cursor > func.coalesce(verdict.c.upto, 0))
    .order_by(run.c.id)
)


def read_summary(connection: Connection, run_id: str, *, now: float) -> RunSummary | None:
    """Give one run's summary, None when there is no such run."""
    rows = connection.execute(_ONE, {"id": run_id}).all()
    return next(iter(_summarize_all(connection, rows, now)), None)


def read_summaries(
    connection: Connection,
    *,
    now: float,
    project: str | None = None,
    projects: Collection[str] | None = None,
    status: str | None = None,
    archived: bool = False,
    limit: int,
) -> list[RunSummary]:
    """Give the newest runs first, of one project or status where asked; of some projects only where these are given.

    Those that are set aside, or those that are not.
    """
    query = _NEWEST.where(run.c.archived > 0 if archived else run.c.archived == 0)
    if project is not None:
        query = query.where(run.c.project == project)
    if projects is not None:
        query = query.where(run.c.project.in_(sorted(projects)))
    if status is not None:
        # Silence is not written anywhere: it is a running run whose clock ran out.
        query = query.where(run.c.status == ("running" if status == "silent" else status))
    found = _summarize_all(connection, connection.execute(query.limit(limit)).all(), now)
    return [summary for summary in found if status is None or summary.status == status]


def read_live(connection: Connection) -> list[str]:
    """Give the ids of the runs that have not ended, silent ones too."""
    return list(connection.execute(_LIVE).scalars())


def read_unjudged(connection: Connection) -> list[str]:
    """Give the ids of the runs that have ended and whose last batches no verdict has seen."""
    return list(connection.execute(_UNJUDGED).scalars())


def _summarize_all(connection: Connection, rows: Sequence[Row[tuple[object, ...]]], now: float) -> list[RunSummary]:
    """Ranks are only looked at of runs that have several and go on."""
    many = [row.id for row in rows if row.ranks > 1 and row.status == "running"]
    musters = count_ranks(connection, many, now=now)
    return [_summarize(row, now, musters.get(row.id, Muster())) for row in rows]


def _summarize(row: Row[tuple[object, ...]], now: float, muster: Muster) -> RunSummary:
    about = _about.decode(row.about) if row.about else Run(row.id, row.project, row.name, row.created)
    judged = _verdict.decode(row.verdict) if row.verdict else Verdict(row.id, 0)
    quiet = now - row.last_seen > patience(row.gap)
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
        ranks=row.ranks,
        ranks_silent=muster.silent,
        ranks_lagging=len(judged.lagging) if row.status == "running" else 0,
        behind=muster.behind,
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
        archived=row.archived > 0,
        fork=Fork(row.fork_run, row.fork_step) if row.fork_run else None,
    )
