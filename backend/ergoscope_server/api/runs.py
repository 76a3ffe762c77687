"""The runs list, one run, and what the watch says of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from msgspec.structs import replace

from ergoscope_contract.answers import Verdict
from ergoscope_contract.records import Event
from ergoscope_server.api.answer import JsonAnswer, problem, spelled
from ergoscope_server.api.caller import READS, CallerOf
from ergoscope_server.api.examples import MISSING
from ergoscope_server.api.service import ServiceOf

MOST_RUNS = 10_000
HIGHEST_RANK = 2**31 - 1  # that a column holds
_LONG = 1_000  # characters of a text in an event that are given unasked

router = APIRouter(prefix="/api/v1", tags=["runs"], default_response_class=JsonAnswer)

Limit = Annotated[int, Query(ge=1, le=MOST_RUNS)]
OneRank = Annotated[int, Query(ge=0, le=HIGHEST_RANK)]
StatusName = Literal["running", "silent", "finished", "failed", "crashed"]


def unknown(run: str) -> JsonAnswer:
    """Say that there is no such run."""
    return problem(404, "Unknown", f"there is no run {run!r}; GET /api/v1/runs has those there are")


@router.get("/runs")
def list_runs(
    service: ServiceOf,
    caller: CallerOf,
    project: str | None = None,
    status: StatusName | None = None,
    archived: bool = False,
    limit: Limit = 500,
) -> JsonAnswer:
    """The newest runs first, of one project or status where asked; with `archived` those that were set aside."""
    found = service.store.summaries(
        project=project, projects=caller.where(READS), status=status, archived=archived, limit=limit
    )
    return JsonAnswer({"runs": spelled(found)})


@router.get("/runs/{run}", responses=MISSING)
def get_run(service: ServiceOf, run: str) -> JsonAnswer:
    """One run."""
    summary = service.store.summary(run)
    return unknown(run) if summary is None else JsonAnswer(spelled(summary))


@router.get("/runs/{run}/verdict", responses=MISSING)
def get_verdict(service: ServiceOf, run: str) -> JsonAnswer:
    """What the indicators say of a run, in words and with the evidence; undecided while they have not spoken."""
    judged = service.store.verdict(run)
    if judged is None and service.store.summary(run) is None:
        return unknown(run)
    return JsonAnswer(spelled(judged.verdict if judged is not None else Verdict(run=run, step=0)))


@router.get("/runs/{run}/events", responses=MISSING)
def list_events(service: ServiceOf, run: str, whole: bool = False) -> JsonAnswer:
    """What happened in a run, in the order it arrived; long texts in `data`, such as a diff, only when `whole`."""
    if service.store.summary(run) is None:
        return unknown(run)
    events = service.store.events(run)
    return JsonAnswer({"events": spelled(events if whole else [_shortened(event) for event in events])})


@router.get("/runs/{run}/histograms", responses=MISSING)
def list_histograms(service: ServiceOf, run: str, key: str, rank: OneRank = 0, limit: Limit = 500) -> JsonAnswer:
    """The newest histograms of a key, in step order."""
    if service.store.summary(run) is None:
        return unknown(run)
    return JsonAnswer({"histograms": service.store.histograms(run, key, rank=rank, limit=limit)})


def _shortened(event: Event) -> Event:
    long = {key: text for key, text in event.data.items() if isinstance(text, str) and len(text) > _LONG}
    if not long:
        return event
    told = {key: f"{text[:_LONG]}... ({len(text):,} characters; ask with whole=true)" for key, text in long.items()}
    return replace(event, data={**event.data, **told})
