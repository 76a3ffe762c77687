"""Is it alive, is it ready, and how it is doing in numbers."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ergoscope_server.api.answer import JsonAnswer
from ergoscope_server.api.service import ServiceOf

router = APIRouter(tags=["health"], default_response_class=JsonAnswer)


@router.get("/healthz")
async def healthz() -> JsonAnswer:
    """The process answers."""
    return JsonAnswer({"status": "ok"})


@router.get("/readyz")
def readyz(service: ServiceOf) -> JsonAnswer:
    """Whether batches can be taken and questions answered; with the reasons when not."""
    reasons = service.faults()
    return JsonAnswer({"status": "ready" if not reasons else "not ready", "reasons": reasons}, 503 if reasons else 200)


@router.get("/metrics")
def metrics(service: ServiceOf) -> Response:
    """Counters and gauges in Prometheus' text format."""
    service.gauges.readers.set(service.bus.readers)
    return Response(generate_latest(service.gauges.registry), media_type=CONTENT_TYPE_LATEST)
