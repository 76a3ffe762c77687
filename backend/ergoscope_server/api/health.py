"""Is it alive, is it ready, and how it is doing in numbers."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from ergoscope_server.api.answer import JsonAnswer
from ergoscope_server.api.service import ServiceOf
from ergoscope_server.examination import STANDS, worst

router = APIRouter(tags=["health"], default_response_class=JsonAnswer)


@router.get("/healthz")
async def healthz() -> JsonAnswer:
    """The process answers, whatever else is wrong."""
    return JsonAnswer({"status": "ok"})


@router.get("/readyz")
def readyz(service: ServiceOf) -> JsonAnswer:
    """Whether batches can be taken and questions answered: `ready`, `degraded` or `not ready`, with the reasons."""
    findings = service.findings()
    wrong = sorted((one for one in findings if one.state != "ok"), key=lambda one: one.state)  # failures first
    state = worst(findings)
    return JsonAnswer(
        {"status": STANDS[state], "reasons": [one.reason for one in wrong]}, 503 if state == "fail" else 200
    )


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(service: ServiceOf) -> Response:
    """Counters, gauges and histograms of the process that answers, in Prometheus' text format."""
    return Response(service.gauges.text(), media_type=CONTENT_TYPE_LATEST)
