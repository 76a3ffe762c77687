"""Deleting runs for good, and setting them aside."""

from fastapi import APIRouter, Response

from ergoscope_server.api.answer import JsonAnswer
from ergoscope_server.api.examples import ARCHIVED, DELETED
from ergoscope_server.api.runs import unknown
from ergoscope_server.api.service import Service, ServiceOf
from ergoscope_server.store.errors import UnknownRunError

CLEAR_WITHIN_S = 10.0  # then housekeeping goes on

router = APIRouter(prefix="/api/v1", tags=["runs"], default_response_class=JsonAnswer)


@router.delete("/runs/{run}", status_code=204, response_class=Response, responses=DELETED)
def delete_run(service: ServiceOf, run: str) -> Response:
    """Delete a run with everything that was kept of it. There is no way back.

    Nobody sees it from that moment on. Batches of it that come later are refused with 410, and its sidecar drops them;
    its id cannot be used again. To delete it twice does no harm.
    """
    try:
        service.store.upkeep.remove(run)
    except UnknownRunError:
        return unknown(run)
    service.bus.publish(run, "deleted")
    done = service.store.upkeep.clear(run, within_s=CLEAR_WITHIN_S)
    return Response(status_code=204 if done else 202)


@router.put("/runs/{run}/archive", status_code=204, response_class=Response, responses=ARCHIVED)
def archive_run(service: ServiceOf, run: str) -> Response:
    """Set a run aside: it is not listed unless asked for, and reads as before. A new attempt brings it back."""
    return _archive(service, run, aside=True)


@router.delete("/runs/{run}/archive", status_code=204, response_class=Response, responses=ARCHIVED)
def restore_run(service: ServiceOf, run: str) -> Response:
    """Take a run back that was set aside."""
    return _archive(service, run, aside=False)


def _archive(service: Service, run: str, *, aside: bool) -> Response:
    try:
        service.store.upkeep.archive(run, aside=aside)
    except UnknownRunError:
        return unknown(run)
    service.bus.publish(run, "run")
    return Response(status_code=204)
