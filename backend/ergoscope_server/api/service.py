"""What the endpoints work with, handed over by the assembling file and reached through the request.

What hands it over is `async`, as anything else is called in a thread of its own, for every request.
"""

import asyncio
import time
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import Depends, Request

from ergoscope_server.bus.bus import Bus
from ergoscope_server.examination import Finding, of_disk, of_lag, of_redis, of_schema, of_workers
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.intake import Intake
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.standing import read_standing
from ergoscope_server.store.store import Store

MOST_EXPORTS = 4  # at once


@dataclass(frozen=True, slots=True)
class Service:
    """The rooms behind the REST interface.

    exports: taken by each run that is being given out whole, which holds a snapshot of the database.
    stopping: set when the service is about to end, so that streams end first.
    """

    store: Store
    bus: Bus
    intake: Intake
    gauges: Gauges
    exports: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MOST_EXPORTS))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self) -> None:
        """Show in the gauges what is asked for only when they are read."""
        self.gauges.readers.set(self.bus.readers)
        self.gauges.redis.set(self.bus.connected)
        self.gauges.outbox.labels("news").set(self.bus.waiting)
        self.gauges.waiting.set(self.intake.waiting_bytes)

    def findings(self) -> list[Finding]:
        """Say what is well with the service and what is not."""
        found: list[Finding] = []
        try:
            standing = read_standing(self.store.database)
            found.append(of_schema(standing))
            if standing.current:
                now = time.time()
                found += [of_workers(standing, now=now), of_lag(standing, now=now)]
        except UnavailableError as error:
            found.append(Finding("database", "fail", str(error)))
        folder = self.store.database.folder
        if folder is not None:
            found.append(of_disk(folder))
        found.append(of_redis(connected=self.bus.connected))
        if self.stopping.is_set():
            found.append(Finding("process", "fail", "the service is stopping"))
        return found


async def service_of(request: Request) -> Service:
    """Give the service that the application was assembled with."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceOf = Annotated[Service, Depends(service_of)]
