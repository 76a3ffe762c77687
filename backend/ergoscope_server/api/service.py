"""What the endpoints work with, handed over by the assembling file and reached through the request."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from ergoscope_server.bus.bus import Bus
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.intake import Intake
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.store import Store


@dataclass(frozen=True, slots=True)
class Service:
    """The rooms behind the REST interface.

    stopping: set when the service is about to end, so that streams end first.
    """

    store: Store
    bus: Bus
    intake: Intake
    gauges: Gauges
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def faults(self) -> list[str]:
        """Give the reasons why the service cannot work now; none when it can."""
        reasons: list[str] = []
        try:
            self.store.live_runs()
        except UnavailableError as error:
            reasons.append(str(error))
        if self.stopping.is_set():
            reasons.append("the service is stopping")
        return reasons


def service_of(request: Request) -> Service:
    """Give the service that the application was assembled with."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceOf = Annotated[Service, Depends(service_of)]
