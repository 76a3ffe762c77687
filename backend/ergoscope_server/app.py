"""Assembles the service from its settings; no behaviour of its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import entry_points

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from ergoscope_server.alerts.notify import NoNotify, WebhookNotify, notifier
from ergoscope_server.api import (
    alerts,
    audit,
    batches,
    docs,
    exports,
    health,
    live,
    login,
    problems,
    provider,
    ranks,
    removal,
    retention,
    runs,
    series,
    shares,
    sketches,
    slices,
    spectra,
)
from ergoscope_server.api.access import Access
from ergoscope_server.api.addresses import PlainAddresses
from ergoscope_server.api.delivery import Delivery
from ergoscope_server.api.guard import Guard
from ergoscope_server.api.headers import Headers
from ergoscope_server.api.limits import Limits
from ergoscope_server.api.service import Service
from ergoscope_server.api.tracing import Tracing
from ergoscope_server.attendance import attend
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.breadth import Breadth
from ergoscope_server.ingest.intake import Intake
from ergoscope_server.ingest.pressure import Pressure
from ergoscope_server.ingest.rate import Rate
from ergoscope_server.ingest.writer import Writer
from ergoscope_server.opening import open_announcer, open_bus, open_provider
from ergoscope_server.people.callers import Callers
from ergoscope_server.serving import STOP_WITHIN_S
from ergoscope_server.settings import Settings
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.people import People
from ergoscope_server.store.store import Store
from ergoscope_server.work.announced import Announced
from ergoscope_server.working import Worker, shared

DESCRIPTION = "Live monitor of training dynamics. Batches in, series, verdicts, alerts and a live stream out."


def create_app(
    settings: Settings,
    opened: Store | None = None,
    *,
    server_url: str = "",
    address: str = "",
    works: bool = True,
    gauges: Gauges | None = None,
) -> FastAPI:
    """Make the application; its threads start with its lifespan.

    Args:
        settings: How it runs.
        opened: What it keeps everything in; without one the store that the settings name is opened with its lifespan.
            Closed when the lifespan ends.
        server_url: Where the page reaches the service.
        address: Where people do, if it is elsewhere and the settings name no public address; alerts lead there.
        works: Whether this process also folds and judges; else workers do.
        gauges: Where it counts.

    Raises:
        ValueError: the webhook's address is not one of HTTP.
        SettingsError: people are to log in with a provider, and what speaks to it is not installed.
    """
    people_at = next(iter(settings.public_urls), address or server_url)
    notify = notifier(settings.webhook_url if works else "", page=people_at)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = opened or Store(settings.store_url, most_runs=settings.project_runs)
        async with _running(settings, store, notify, gauges or Gauges(), works=works) as service:
            app.state.service, app.state.people = service, People(service.store.database)
            app.state.callers, app.state.https_names = Callers(app.state.people), settings.https_names
            app.state.logins = asyncio.Semaphore(1)
            yield

    app = FastAPI(
        title="ergoscope", description=DESCRIPTION, version="1", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    read = (runs, ranks, series, exports, sketches, slices, spectra, alerts, live)
    for room in (batches, *read, removal, retention, shares, login, provider, audit, health, docs):
        app.include_router(room.router, responses=problems.INVALID)
    problems.install(app)
    _admit(app, settings)
    if settings.page:
        for page in entry_points(group="ergoscope.pages"):
            page.load()(app, server_url=server_url)
    _surround(app, settings)
    return app


def _admit(app: FastAPI, settings: Settings) -> None:
    """Say by whom people are let in beside passwords."""
    app.state.provider, app.state.login_with = open_provider(settings), settings.provider_name
    app.state.first_role = "" if settings.oidc_role == "none" else settings.oidc_role
    app.state.public_bases = settings.public_bases


def _surround(app: FastAPI, settings: Settings) -> None:
    """Put what holds for all requests around it; the last one is the first that they pass, before the page's own."""
    app.add_middleware(Delivery)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)
    app.add_middleware(Access, open_to_all=settings.open_to_all, page=settings.page)
    app.add_middleware(Limits)
    app.add_middleware(PlainAddresses)
    app.add_middleware(Guard, local=settings.local, names=settings.names)
    app.add_middleware(Headers)
    app.add_middleware(Tracing)


@asynccontextmanager
async def _running(
    settings: Settings, store: Store, notify: WebhookNotify | NoNotify, gauges: Gauges, *, works: bool
) -> AsyncIterator[Service]:
    bus = open_bus(settings)
    worker = Worker(store, bus, notify, gauges=gauges, redis=shared(settings)) if works else None
    announcer = open_announcer(settings)
    announce = announcer.announce if announcer else worker.hear if worker else _unheard

    def stored(batches: Sequence[Arrival]) -> None:
        for batch in batches:
            announce(batch.run, Announced(1, len(batch.entry)))
            bus.publish(batch.run, "arrival")
            if batch.grids:
                bus.publish(batch.run, "slice")

    writer = Writer(store, stored=stored)
    pressure = Pressure(store, gauges, most=settings.unfolded_mb * 2**20, chance=random.random)
    service = Service(store, bus, _intake(settings, store, writer, pressure, gauges), gauges)
    gauges.look_first(service.show)
    if announcer:
        gauges.look_first(lambda: gauges.outbox.labels("announcements").set(announcer.waiting))
    jobs = [pressure.run(), attend(store, "serve"), *([worker.watch()] if worker else [])]
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield service
    finally:
        service.stopping.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
        if announcer:
            announcer.close()
        if worker:
            worker.close()
        bus.close()
        if isinstance(notify, WebhookNotify):
            await asyncio.to_thread(notify.close, timeout_s=STOP_WITHIN_S)
        store.close()


def _intake(settings: Settings, store: Store, writer: Writer, pressure: Pressure, gauges: Gauges) -> Intake:
    breadth, rate = Breadth(store, most=settings.run_series), Rate(values_s=settings.run_rate)
    return Intake(writer, pressure, gauges, breadth=breadth, rate=rate)


def _unheard(run: str, announced: Announced) -> None:
    """Tell nobody of batches that were stored: workers find them in the log."""
