"""The ranks of a run: who sends, who is silent, who is behind."""

from fastapi import APIRouter

from ergoscope_server.api.answer import JsonAnswer, spelled
from ergoscope_server.api.examples import answered
from ergoscope_server.api.runs import unknown
from ergoscope_server.api.service import ServiceOf

RANKS: dict[str, object] = {
    "ranks": [
        {
            "rank": 0,
            "attempt": 1790000000000,
            "status": "running",
            "last_seen": 1790000042.0,
            "last_step": 1245,
            "behind": 0,
            "host": "node-1",
            "patience": 10.0,
        },
        {
            "rank": 1,
            "attempt": 1790000000000,
            "status": "silent",
            "last_seen": 1790000000.0,
            "last_step": 1204,
            "behind": 41,
            "host": "node-2",
            "patience": 10.0,
        },
        {"rank": 2, "attempt": 1790000000000, "status": "never seen", "last_seen": 0.0, "upto": 7},
    ]
}

router = APIRouter(prefix="/api/v1", tags=["ranks"], default_response_class=JsonAnswer)


@router.get("/runs/{run}/ranks", responses=answered(ranks=RANKS))
def list_ranks(service: ServiceOf, run: str) -> JsonAnswer:
    """The ranks of a run's newest attempt, by number: the last step of each, when it was heard of, and how it stands.

    A rank that has not ended is `silent` when no batch of it came for `patience` seconds by the service's clock: ten,
    or four of its usual gaps. A rank of which nothing ever came is `never seen` from a minute after the start on, and
    no alarm: which ranks watch is the job's choice. Several of them in a row are one entry, from `rank` to `upto`.
    `behind` counts steps to the foremost rank; `lags` says that they are more than late batches account for. `lost`
    counts records that its buffer could not take.
    """
    found = service.store.ranks(run)
    if not found and service.store.summary(run) is None:
        return unknown(run)
    return JsonAnswer({"ranks": spelled(found)})
