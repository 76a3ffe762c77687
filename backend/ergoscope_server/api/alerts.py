"""Alerts, and the catalogue of quantities."""

from typing import Literal

import msgspec
from fastapi import APIRouter

from ergoscope_contract import catalogue
from ergoscope_server.api.answer import JsonAnswer, spelled
from ergoscope_server.api.caller import READS, CallerOf, PeopleOf
from ergoscope_server.api.service import ServiceOf
from ergoscope_server.store.runs import UNKNOWN

router = APIRouter(prefix="/api/v1", default_response_class=JsonAnswer)


@router.get("/alerts", tags=["alerts"])
def list_alerts(
    service: ServiceOf,
    caller: CallerOf,
    people: PeopleOf,
    run: str | None = None,
    state: Literal["firing", "resolved"] | None = None,
) -> JsonAnswer:
    """Alerts, newest first, of one run or state where asked."""
    found = service.store.alerts(run=run, state=state)
    if caller.where(READS) is not None:
        projects = people.projects({alert.run for alert in found})
        found = [alert for alert in found if caller.may_of(READS, alert.run, projects.get(alert.run, UNKNOWN))]
    return JsonAnswer({"alerts": spelled(found)})


@router.get("/catalogue", tags=["catalogue"])
def list_catalogue() -> JsonAnswer:
    """Every quantity ergoscope knows: what it is, what it means, how it is made and how it fails."""
    return JsonAnswer({"metrics": [msgspec.to_builtins(entry) for entry in catalogue.ALL.values()]})
