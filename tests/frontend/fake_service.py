"""A service with canned answers, whose runs grow when told to, and which can fail and come back."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ergoscope_contract.jsonable import spell_all
from ergoscope_ui.app import mount
from tests.frontend.fake_keeping import Rights, keeping_routes
from tests.frontend.fake_series import cut, told_since
from tests.frontend.fake_slices import slice_routes

HEARTBEAT_S = 1.0
Names = Annotated[list[str] | None, Query()]


@dataclass
class FakeRun:
    """One run: summary fields, full series by metric, and the verdict said of it. One arrival a step."""

    id: str
    name: str
    steps: int
    series: dict[str, np.ndarray]
    status: str = "running"
    project: str = "digits"
    created: float = 1_700_000_000.0
    config: dict[str, object] = field(default_factory=dict)
    verdict: dict[str, object] = field(default_factory=dict)
    summary: dict[str, object] = field(default_factory=dict)
    histograms: list[dict[str, object]] = field(default_factory=list)
    spectra: list[dict[str, object]] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    ranks: list[dict[str, object]] = field(default_factory=list)
    slices: list[dict[str, object]] = field(default_factory=list)  # newest first
    shares: list[dict[str, object]] = field(default_factory=list)  # oldest first
    news: list[str] = field(default_factory=list)  # kinds of events to tell, each once
    rare: set[str] = field(default_factory=set)  # series that have a point only where they are finite

    def told(self) -> dict[str, object]:
        """The run's RunSummary, as JSON."""
        latest = (
            {key: float(values[self.steps - 1]) for key, values in self.series.items() if "/" not in key}
            if self.steps
            else {}
        )
        return {
            "id": self.id,
            "project": self.project,
            "name": self.name,
            "status": self.status,
            "created": self.created,
            "last_seen": time.time() if self.status == "running" else self.created + 1000,
            "last_step": self.steps or None,
            "cursor": self.steps,
            "config": self.config,
            "latest": dict(zip(latest, spell_all(latest.values()), strict=True)),
            **self.summary,
        }


class FakeService:
    """State and HTTP; `open_streams` counts the event streams held, `requests` what was asked."""

    def __init__(self, runs: Sequence[FakeRun] = (), alerts: Sequence[dict[str, object]] = ()) -> None:
        self.runs = {run.id: run for run in runs}
        self.alerts = list(alerts)
        self.rights = Rights()
        self.down = False
        self.mute = False  # streams that are open say nothing more, not even a heartbeat
        self.open_streams = 0
        self.polls = 0
        self._server: uvicorn.Server | None = None
        self._running: AbstractContextManager[uvicorn.Server] | None = None

    def start(self, port: int) -> None:
        """Serve API and page on a port; returns when it answers."""
        app = self.app()
        mount(app, server_url=f"http://127.0.0.1:{port}")
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
        self._running = serving(config)
        self._server = self._running.__enter__()

    def stop(self) -> None:
        """Stop serving; open streams are cut."""
        if self._running is not None:
            self._running.__exit__(None, None, None)
        self._running = self._server = None

    def app(self) -> FastAPI:
        """The REST interface."""
        app = FastAPI()

        @app.middleware("http")
        async def fail(request: Request, call_next):  # type: ignore[no-untyped-def]  # starlette's own shape
            if self.down and request.url.path.startswith("/api/"):
                return JSONResponse({"error": "Store", "detail": "the store is away for a moment"}, status_code=503)
            if (
                request.url.path.startswith("/api/v1/runs/")
                and (run := request.url.path.split("/")[4]) not in self.runs
            ):
                return _missing(run)
            return await call_next(request)

        @app.get("/api/v1/runs")
        async def runs(limit: int = 200, archived: bool = False) -> dict[str, object]:
            found = [run.told() for run in sorted(self.runs.values(), key=lambda run: -run.created)]
            return {"runs": [run for run in found if bool(run.get("archived")) == archived][:limit]}

        @app.get("/api/v1/runs/{run}")
        async def one(run: str) -> Response:
            return JSONResponse(self.runs[run].told())

        @app.get("/api/v1/runs/{run}/verdict")
        async def verdict(run: str) -> Response:
            said = self.runs[run].verdict
            return JSONResponse(said) if said else _missing(run)

        @app.get("/api/v1/runs/{run}/metrics")
        async def metrics(run: str) -> dict[str, object]:
            return {"metrics": [{"key": key, "rank": 0} for key in self.runs[run].series]}

        @app.get("/api/v1/runs/{run}/events")
        async def events(run: str) -> dict[str, object]:
            return {"events": self.runs[run].events}

        @app.get("/api/v1/runs/{run}/ranks")
        async def ranks(run: str) -> dict[str, object]:
            return {"ranks": self.runs[run].ranks}

        @app.get("/api/v1/runs/{run}/histograms")
        async def histograms(run: str, key: str) -> dict[str, object]:
            return {"histograms": [h for h in self.runs[run].histograms if h["key"] == key]}

        app.include_router(slice_routes(self.runs))
        app.include_router(keeping_routes(self.runs, self.rights))

        @app.get("/api/v1/runs/{run}/spectra")
        async def spectra(run: str, key: str, limit: int) -> dict[str, object]:
            return {"spectra": [s for s in self.runs[run].spectra if s["key"] == key][-limit:]}

        @app.get("/api/v1/runs/{run}/series")
        async def series(
            run: str,
            metrics: Names = None,
            first: int | None = None,
            last: int | None = None,
            buckets: int | None = None,
        ) -> Response:
            return JSONResponse(cut(self.runs[run], metrics or [], first=first, last=last, buckets=buckets))

        @app.get("/api/v1/series")
        async def many(
            runs: Names = None,
            metrics: Names = None,
            first: int | None = None,
            last: int | None = None,
            buckets: int | None = None,
        ) -> dict[str, object]:
            known = [self.runs[run] for run in runs or [] if run in self.runs]
            return {"runs": [cut(run, metrics or [], first=first, last=last, buckets=buckets) for run in known]}

        @app.get("/api/v1/alerts")
        async def alerts(run: str = "", state: str = "") -> dict[str, object]:
            kept = [a for a in self.alerts if run in ("", a["run"]) and state in ("", a["state"])]
            return {"alerts": kept}

        @app.get("/api/v1/live")
        async def live(
            request: Request,
            run: Names = None,
            metrics: Names = None,
            since: str = "",
        ) -> Response:
            positions = {
                name: int(at) for name, at in (part.rsplit(":", 1) for part in since.split(",") if ":" in part)
            }
            if "text/event-stream" not in request.headers.get("accept", ""):
                self.polls += 1
                news = self._news(run or [], metrics or [], positions)
                return JSONResponse({"cursor": _cursor(positions), "events": news})
            return StreamingResponse(self._stream(run or [], metrics or [], positions), media_type="text/event-stream")

        @app.get("/api/{rest:path}")
        async def unknown(rest: str) -> Response:
            return _missing(rest)

        return app

    def _news(
        self, runs: list[str], metrics: list[str], positions: dict[str, int], *, fresh: bool = False
    ) -> list[dict[str, object]]:
        news: list[dict[str, object]] = []
        for name in runs or list(self.runs):
            run = self.runs.get(name)
            if run is None:
                continue
            newest = run.steps
            at = positions.setdefault(name, newest if runs or fresh else 0)
            if newest > at and runs:
                found = [metric for metric in metrics if metric in run.series]
                told = [told_since(run, metric, at, newest) for metric in found]
                news.append({"event": "increment", "data": {"run": name, "cursor": newest, "series": told}})
            if newest > at:
                news.append({"event": "run", "data": run.told()})
            positions[name] = newest
            news += [{"event": run.news.pop(), "data": {"run": name}} for _ in range(len(run.news))]
        return news

    async def _stream(self, runs: list[str], metrics: list[str], positions: dict[str, int]) -> AsyncIterator[str]:
        self.open_streams += 1
        try:
            beat, muted = time.monotonic(), False
            if not runs:
                self._news(runs, metrics, positions, fresh=True)
            yield ": begin\n\n"
            while not (self._server and self._server.should_exit):
                if muted := muted or self.mute:
                    await asyncio.sleep(0.05)
                    continue
                for one in self._news(runs, metrics, positions):
                    yield f"event: {one['event']}\nid: {_cursor(positions)}\ndata: {json.dumps(one['data'])}\n\n"
                if time.monotonic() - beat > HEARTBEAT_S:
                    beat = time.monotonic()
                    yield ": beat\n\n"
                await asyncio.sleep(0.05)
        finally:
            self.open_streams -= 1


class _Server(uvicorn.Server):
    """Closes at its end what a browser still holds open: else those sockets live until somebody collects them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


@contextmanager
def serving(config: uvicorn.Config) -> Iterator[uvicorn.Server]:
    """Serve in a thread; returns when the server answers, and stops it at the end."""
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise TimeoutError("the server did not start within 20 s")
        time.sleep(0.02)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _cursor(positions: dict[str, int]) -> str:
    return ",".join(f"{name}:{at}" for name, at in positions.items())


def _missing(what: str) -> Response:
    return JSONResponse({"error": "Unknown", "detail": f"there is nothing named {what!r}"}, status_code=404)
