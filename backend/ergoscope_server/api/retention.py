"""What projects keep: how many days every point, and after that few of them."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from ergoscope_contract.answers import Retention
from ergoscope_server.api.answer import JsonAnswer, problem, spelled
from ergoscope_server.api.bodies import read_body
from ergoscope_server.api.examples import KEPT
from ergoscope_server.api.service import ServiceOf

FEWEST_DAYS = 1 / 24  # what is younger is still being looked at
MOST_DAYS = 100_000.0
MOST_BYTES = 1024

router = APIRouter(prefix="/api/v1", tags=["retention"], default_response_class=JsonAnswer)

Project = Annotated[str, Query(min_length=1, max_length=1000, description="The project's name.")]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be kept, as it is sent."""

    days: float
    ended: bool = False


@router.get("/retention")
def list_retention(service: ServiceOf) -> JsonAnswer:
    """The projects that do not keep every point for ever, by name."""
    return JsonAnswer({"retention": spelled(service.store.upkeep.policies())})


@router.put(
    "/retention",
    responses=KEPT,
    openapi_extra={"requestBody": {"content": {"application/json": {"example": {"days": 30.0, "ended": False}}}}},
)
async def put_retention(request: Request, service: ServiceOf, project: Project) -> JsonAnswer:
    """Keep every point of a project for `days` days, and after that one in 64, with all lows, highs, means and counts.

    With `ended` only runs of which nothing came for so long are thinned. Histograms, events, and what several ranks
    speak for together, are kept whole until the run is deleted. What is thinned does not come back when more is kept
    again.
    """
    try:
        wanted = msgspec.json.decode(await read_body(request, most=MOST_BYTES), type=Wanted)
    except msgspec.DecodeError as error:
        return problem(422, "Parameter", str(error))
    if not FEWEST_DAYS <= wanted.days <= MOST_DAYS:
        text = f"days is {wanted.days:g}; it must lie between 1/24 and {MOST_DAYS:g}"
        return problem(422, "Parameter", text)
    policy = Retention(project, wanted.days, wanted.ended)
    await run_in_threadpool(service.store.upkeep.save_policy, policy)
    return JsonAnswer(policy)


@router.delete("/retention", status_code=204, response_class=Response, responses={204: {"description": "Done"}})
def drop_retention(service: ServiceOf, project: Project) -> Response:
    """Keep every point of a project from now on."""
    service.store.upkeep.drop_policy(project)
    return Response(status_code=204)
