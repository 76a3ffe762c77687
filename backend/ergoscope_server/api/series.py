"""Series of one run or several: points at full resolution, or buckets that lose no extreme."""

from typing import Annotated

from fastapi import APIRouter, Query

from ergoscope_contract.jsonable import spell
from ergoscope_server.api.answer import JsonAnswer, numbers
from ergoscope_server.api.caller import READS, CallerOf
from ergoscope_server.api.examples import BUCKETS, METRICS, SERIES, answered
from ergoscope_server.api.runs import HIGHEST_RANK, unknown
from ergoscope_server.api.service import ServiceOf
from ergoscope_server.people.rights import Caller
from ergoscope_server.store.cells import FIELDS
from ergoscope_server.store.ends import Listed
from ergoscope_server.store.errors import UnknownRunError
from ergoscope_server.store.lineage import Admit
from ergoscope_server.store.points import HIGHEST, LOWEST
from ergoscope_server.store.ranks import TOGETHER
from ergoscope_server.store.series import Query as Asked
from ergoscope_server.store.series import SeriesAnswer, SeriesData

MOST_BUCKETS = 20_000
MOST_METRICS = 2_000
ALL_RANKS = -1

router = APIRouter(prefix="/api/v1", tags=["series"], default_response_class=JsonAnswer)

Names = Annotated[
    list[str] | None,
    Query(description="Names, each in its own parameter; `*` stands for any characters.", max_length=MOST_METRICS),
]
Step = Annotated[int | None, Query(ge=LOWEST, le=HIGHEST)]
BucketCount = Annotated[
    int | None, Query(ge=1, le=MOST_BUCKETS, description="At most so many buckets; points where there are fewer.")
]
Rank = Annotated[
    int | None,
    Query(ge=ALL_RANKS, le=HIGHEST_RANK, description="One rank, -1 for each; without it all ranks as one series."),
]
Own = Annotated[bool, Query(description="Of a run that was forked, only what it logged itself.")]
Cursor = Annotated[int | None, Query(ge=0, le=HIGHEST, description="Only what arrived after this cursor.")]


@router.get("/runs/{run}/series", responses=answered(points=SERIES, buckets=BUCKETS))
def get_series(
    service: ServiceOf,
    caller: CallerOf,
    run: str,
    metrics: Names = None,
    metric: Names = None,
    first: Step = None,
    last: Step = None,
    buckets: BucketCount = None,
    since: Cursor = None,
    rank: Rank = None,
    own: Own = False,
) -> JsonAnswer:
    """Series of one run, all complete up to the answer's `cursor`.

    A run that was forked begins with the history of the run it was forked from, up to that step, and so on back;
    `inherited` says of which runs, and up to which step: none where they were deleted or are not the caller's to read.

    Where retention has thinned a series, `thinned_to` is the last step up to which few points are left: buckets keep
    every extreme there, and may reach a little beyond the steps asked for.
    """
    asked = _asked(metrics, metric, first, last, buckets, since, rank)
    try:
        return JsonAnswer(encode(service.store.series(run, asked, admit=_admit(caller, own=own))))
    except UnknownRunError:
        return unknown(run)


@router.get("/series", responses=answered(points={"runs": [SERIES]}))
def get_series_of_runs(
    service: ServiceOf,
    caller: CallerOf,
    runs: Annotated[list[str], Query(max_length=100)],
    metrics: Names = None,
    metric: Names = None,
    first: Step = None,
    last: Step = None,
    buckets: BucketCount = None,
    rank: Rank = None,
    own: Own = False,
) -> JsonAnswer:
    """The same series of several runs, one entry a run in the order asked."""
    asked = _asked(metrics, metric, first, last, buckets, None, rank)
    answers: list[object] = []
    found = service.store.series_of_runs(list(dict.fromkeys(runs)), asked, admit=_admit(caller, own=own))
    for run, answer in found.items():
        if answer is None:
            return unknown(run)
        answers.append(encode(answer))
    return JsonAnswer({"runs": answers})


@router.get("/runs/{run}/metrics", responses=answered(metrics=METRICS))
def list_metrics(service: ServiceOf, caller: CallerOf, run: str, own: Own = False) -> JsonAnswer:
    """The series of a run: name, rank, points, last step and last value.

    Of a run that was forked, also those that only a run has which it comes from, named in `inherited`, without points.
    """
    try:
        found = service.store.listed(run, admit=_admit(caller, own=own))
    except UnknownRunError:
        return unknown(run)
    return JsonAnswer({"metrics": [_encode_listed(one) for one in found]})


def encode(answer: SeriesAnswer) -> dict[str, object]:
    """Give an answer as JSON has it."""
    said: dict[str, object] = {"run": answer.run, "cursor": answer.cursor}
    if answer.inherited is not None:
        said["inherited"] = [{"run": one.run, "last": one.last} for one in answer.inherited]
    return said | {"series": [encode_one(data) for data in answer.series]}


def _encode_listed(one: Listed) -> dict[str, object]:
    said: dict[str, object] = {"key": one.key, "rank": one.rank, "points": one.points}
    if one.last_value is None:
        return said | {"inherited": one.inherited}
    return said | {"last_step": one.last_step, "last_value": spell(one.last_value)}


def encode_one(data: SeriesData) -> dict[str, object]:
    """Give one series as JSON has it."""
    head: dict[str, object] = {"metric": data.metric, "rank": data.rank, "points": data.count}
    if data.thinned_to is not None:
        head["thinned_to"] = data.thinned_to
    if data.cells is None:
        return head | {"steps": numbers(data.points.steps), "values": numbers(data.points.values)}
    return head | {"buckets": {name: numbers(getattr(data.cells, name)) for name in FIELDS}}


def _admit(caller: Caller, *, own: bool) -> Admit | None:
    """Say of which runs the history is shown before a fork's own part."""
    return None if own else lambda run, project: caller.may_of(READS, run, project)


def as_rank(asked: int | None) -> int | None:
    """Give the rank that a reader asks for as the store has it."""
    return TOGETHER if asked is None else None if asked == ALL_RANKS else asked


def _asked(
    metrics: list[str] | None,
    metric: list[str] | None,
    first: int | None,
    last: int | None,
    buckets: int | None,
    since: int | None,
    rank: int | None,
) -> Asked:
    return Asked(
        metrics=list(dict.fromkeys([*(metrics or []), *(metric or [])])),
        first=LOWEST if first is None else first,
        last=HIGHEST if last is None else last,
        buckets=buckets,
        since=since,
        rank=as_rank(rank),
    )
