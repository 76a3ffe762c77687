"""Sketches of weights: short vectors from which distances between steps, and between runs, are read."""

from fastapi import APIRouter

from ergoscope_server.api.answer import JsonAnswer
from ergoscope_server.api.examples import answered
from ergoscope_server.api.runs import Limit, OneRank, unknown
from ergoscope_server.api.service import ServiceOf

SKETCHES: dict[str, object] = {
    "sketches": [{"key": "weight_sketch", "step": 64, "seed": 0, "values": "AACAPwAAAMAAAEA/"}]
}

router = APIRouter(prefix="/api/v1", tags=["sketches"], default_response_class=JsonAnswer)


@router.get("/runs/{run}/sketches", responses=answered(sketches=SKETCHES))
def list_sketches(service: ServiceOf, run: str, key: str, rank: OneRank = 0, limit: Limit = 500) -> JsonAnswer:
    """The newest sketches of a key, in step order; `values` is base64 of packed little-endian float32.

    The distance between two sketches of one seed is that between the vectors they were made of, to some 2 %.
    """
    if service.store.summary(run) is None:
        return unknown(run)
    return JsonAnswer({"sketches": service.store.sketches(run, key, rank=rank, limit=limit)})
