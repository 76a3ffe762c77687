"""Alerts, and the catalogue of quantities."""

from typing import Literal

import msgspec
from fastapi import APIRouter

from ergoscope_contract import catalogue
from ergoscope_server.api.answer import JsonAnswer, spelled
from ergoscope_server.api.service import ServiceOf

router = APIRouter(prefix="/api/v1", default_response_class=JsonAnswer)


@router.get("/alerts", tags=["alerts"])
def list_alerts(
    service: ServiceOf, run: str | None = None, state: Literal["firing", "resolved"] | None = None
) -> JsonAnswer:
    """Alerts, newest first, of one run or state where asked."""
    return JsonAnswer({"alerts": spelled(service.store.alerts(run=run, state=state))})


@router.get("/catalogue", tags=["catalogue"])
def list_catalogue() -> JsonAnswer:
    """Every quantity ergoscope knows: what it is, what it means, how it is made and how it fails."""
    return JsonAnswer({"metrics": [msgspec.to_builtins(entry) for entry in catalogue.ALL.values()]})
