"""Assembles the service from its settings; no behaviour of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import entry_points

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from ergoscope_server.alerts.notify import NoNotify, WebhookNotify, notifier
from ergoscope_server.api import (
    alerts,
    batches,
    docs,
    health,
    live,
    problems,
    ranks,
    runs,
    series,
    sketches,
    slices,
    spectra,
)
from ergoscope_server.api.addresses import PlainAddresses
from ergoscope_server.api.guard import Guard
from ergoscope_server.api.service import Service
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.housekeeping import Housekeeping
from ergoscope_server.ingest.intake import Intake
from ergoscope_server.ingest.writer import Writer
from ergoscope_server.serving import STOP_WITHIN_S
from ergoscope_server.settings import Settings
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.store import Store
from ergoscope_server.watch import Watch

DESCRIPTION = "Live monitor of training dynamics. Batches in, series, verdicts, alerts and a live stream out."


def create_app(settings: Settings, opened: Store | None = None, *, server_url: str = "") -> FastAPI:
    """Make the application; its threads start with its lifespan.

    Args:
        settings: How it runs.
        opened: What it keeps everything in; without one the store that the settings name is opened with its lifespan.
            Closed when the lifespan ends.
        server_url: Where page and webhooks reach the service.

    Raises:
        ValueError: the webhook's address is not one of HTTP.
    """
    notify = notifier(settings.webhook_url, page=server_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(opened or Store(settings.store_url), notify) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="ergoscope", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    for room in (batches, runs, ranks, series, sketches, slices, spectra, alerts, live, health, docs):
        app.include_router(room.router)
    problems.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
    app.add_middleware(PlainAddresses)
    app.add_middleware(Guard, local=settings.local)
    if settings.page:
        for page in entry_points(group="ergoscope.pages"):
            page.load()(app, server_url=server_url)
    return app


@asynccontextmanager
async def _running(store: Store, notify: WebhookNotify | NoNotify) -> AsyncIterator[Service]:
    bus, gauges = MemoryBus(), Gauges()
    housekeeping = Housekeeping(store, gauges, changed=lambda run: bus.publish(run, "run"))

    def stored(batches: Sequence[Arrival]) -> None:
        housekeeping.stored(batches)
        for run in {batch.run for batch in batches}:
            bus.publish(run, "arrival")
        for run in {batch.run for batch in batches if batch.grids}:
            bus.publish(run, "slice")

    writer = Writer(store, stored=stored)
    service = Service(store, bus, Intake(writer, gauges), gauges)
    watching = asyncio.create_task(Watch(store, bus, notify, clock=time.time).run())
    try:
        yield service
    finally:
        service.stopping.set()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        writer.close()
        housekeeping.close()
        if isinstance(notify, WebhookNotify):
            await asyncio.to_thread(notify.close, timeout_s=STOP_WITHIN_S)
        store.close()
