"""GET /api/v1/live: server-sent events from a cursor, or the same at once as JSON for those who poll."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Response
from fastapi.concurrency import iterate_in_threadpool, run_in_threadpool
from fastapi.responses import StreamingResponse

from ergoscope_server.api.answer import JsonAnswer, problem
from ergoscope_server.api.caller import CallerOf, PeopleOf, Still, StillOf
from ergoscope_server.api.cursors import CursorError, read_cursors
from ergoscope_server.api.examples import STREAMED
from ergoscope_server.api.feeding import Feeder, Told
from ergoscope_server.api.series import Names, Rank, as_rank
from ergoscope_server.api.service import Service, ServiceOf
from ergoscope_server.api.sight import Sight
from ergoscope_server.bus.bus import Notices, Subscription
from ergoscope_server.store.errors import UnavailableError

log = logging.getLogger(__name__)

TICK_S = 0.5
HEARTBEAT_S = 10.0
ASK_S = 5.0  # whether the reader may still read
PAUSE_S = 0.05  # at most twenty messages a second to one reader: what comes meanwhile goes into the next
RECONNECT_MS = 1000
MOST_READERS = 1_000

router = APIRouter(prefix="/api/v1", tags=["live"])

Runs = Annotated[list[str] | None, Query(max_length=100, description="Runs to follow; none: news of all runs.")]


@router.get("/live", response_class=StreamingResponse, responses=STREAMED)
async def live(
    service: ServiceOf,
    caller: CallerOf,
    people: PeopleOf,
    still: StillOf,
    run: Runs = None,
    metrics: Names = None,
    since: str = "",
    rank: Rank = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Follow runs: `increment`, `run`, `verdict`, `alert`, `slice`, `deleted`; `reset` when a cursor is too old.

    Each message's id is the cursor to come back with. With `Accept: application/json` the answer is one object:
    the cursor and what happened since the one given.
    """
    runs = list(dict.fromkeys(run or []))
    try:
        cursors = read_cursors(last_event_id or since, runs)
    except CursorError as error:
        return problem(400, "Cursor", str(error))
    sight = Sight(caller, people)
    feeder = Feeder(service.store, runs, metrics or [], as_rank(rank), cursors, sight)
    if "application/json" in accept and "text/event-stream" not in accept:
        told = await run_in_threadpool(lambda: list(feeder.open()))
        events = [{"event": one.event, "data": one.data} for one in told]
        return JsonAnswer({"cursor": str(feeder.cursors), "events": events}, headers={"Cache-Control": "no-store"})
    if service.bus.readers >= MOST_READERS:
        text = f"{MOST_READERS} live streams are open, as many as are allowed; poll with Accept: application/json"
        return problem(503, "Busy", text, headers={"Retry-After": "5"})
    return StreamingResponse(
        _messages(service, feeder, frozenset(runs) or None, still),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(
    service: Service, feeder: Feeder, runs: frozenset[str] | None, still: Still
) -> AsyncIterator[bytes]:
    subscription = service.bus.subscribe(runs)  # before the first read: what happens in between is not missed
    try:
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        spoken = asked = time.monotonic()
        notices: Notices = {}
        news = feeder.open()
        while not service.stopping.is_set():
            # First of all: a run that is gone may be why its reader may not go on.
            async for told in iterate_in_threadpool(feeder.gone(notices)):
                yield _message(told)
                spoken = time.monotonic()
            if time.monotonic() - asked > ASK_S:
                asked = time.monotonic()
                if not await still():
                    return
            async for told in iterate_in_threadpool(news):
                yield _message(told)
                spoken = time.monotonic()
            if time.monotonic() - spoken > HEARTBEAT_S:
                yield b": still here\n\n"
                spoken = time.monotonic()
            await asyncio.sleep(PAUSE_S)
            notices = await _wait(subscription)
            news = feeder.news(notices)
    except UnavailableError as error:
        log.warning("a live stream ends, and its reader comes back: %s", error)
    finally:
        subscription.close()


async def _wait(subscription: Subscription) -> Notices:
    try:
        return await asyncio.wait_for(subscription.next(), TICK_S)
    except TimeoutError:
        return {}


def _message(told: Told) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        told.cursor.encode(),
        told.event.encode(),
        msgspec.json.encode(told.data),
    )
