"""What was changed, and by whom: noted where requests are let in, told to admins."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ergoscope_server.api.answer import JsonAnswer
from ergoscope_server.api.caller import PeopleOf
from ergoscope_server.api.guard import READING
from ergoscope_server.people.rights import Caller
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.people import People

MOST_CHANGES = 10_000
LONGEST = 2_000  # characters of an address that are kept
_log = logging.getLogger(__name__)
UNNOTED = {"/api/v1/batches", "/_dash-update-component", "/login", "/logout"}  # what they change is noted elsewhere

router = APIRouter(prefix="/api/v1", tags=["people"], default_response_class=JsonAnswer)


@router.get("/audit")
def list_changes(
    people: PeopleOf,
    before: Annotated[float | None, Query(description="Only what was changed before this time, Unix seconds.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = 500,
) -> JsonAnswer:
    """What was changed and by whom, the newest first: requests that wrote something, and commands on the machine.

    Batches of jobs are not among them, as they are runs themselves.
    """
    found = people.changes(before=before, limit=limit)
    return JsonAnswer({"audit": [{"at": one.at, "who": one.who, "what": one.what} for one in found]})


async def noted(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, caller: Caller, people: People) -> None:
    """Pass a request on, and note it before it is answered, where it changed something."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            await _note(scope, caller, people)
        await send(message)

    await app(scope, receive, sent)


async def _note(scope: Scope, caller: Caller, people: People) -> None:
    query = scope["query_string"].decode("latin-1")
    what = f"{scope['method']} {scope['path']}{'?' + query if query else ''}"[:LONGEST]
    try:
        await run_in_threadpool(people.note, caller.name, what)
    except UnavailableError as error:  # it is done already
        _log.warning("cannot note that %s did %s: %s", caller.name, what, error)


def changes(scope: Scope) -> bool:
    """Say whether a request is one that is noted."""
    return scope["type"] == "http" and scope["method"] not in READING and scope["path"] not in UNNOTED
