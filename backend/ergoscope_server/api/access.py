"""Lets in whoever may do what a request asks, and nobody else.

Every request passes here before anything of it is done or read, whatever answers it afterwards: an endpoint, a mounted
folder, the page, a socket. What it needs stands in `needs`. A run of a project that is not the caller's is answered as
one that is not there, so that nobody learns which runs others have.
"""

from collections.abc import Collection

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ergoscope_server.api.answer import problem
from ergoscope_server.api.audit import changes, noted
from ergoscope_server.api.cookies import COOKIE, SHARED, cookie_of, to_login
from ergoscope_server.api.guard import READING
from ergoscope_server.api.needs import SOCKET, Found, Reach, need_of
from ergoscope_server.people.callers import Callers, ExpiredError, Kind
from ergoscope_server.people.rights import ALL_RIGHTS, OPEN, Caller, Right
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.people import People

RETRY_S = 2
_HOW = (
    "; send a token as `Authorization: Bearer TOKEN`, which jobs and commands take from ERGOSCOPE_API_KEY. Who runs "
    "the service makes one: ergoscope token create"
)


class Refusal(Exception):  # noqa: N818  # it is an answer
    """Why a request is not let in, as it is answered."""

    def __init__(
        self, status: int, kind: str, text: str, headers: dict[str, str] | None = None, *, said: str = ""
    ) -> None:
        """Say why.

        Args:
            status: Of the answer.
            kind: Of what is wrong.
            text: What was seen, and what is allowed.
            headers: Of the answer.
            said: What the login page is to say to somebody who opens a page.
        """
        super().__init__(text)
        self.said = said
        self.text = text
        self.status = status
        self._kind, self._headers = kind, headers

    def answer(self) -> Response:
        """Say so."""
        return problem(self.status, self._kind, self.text, headers=self._headers)


class Access:
    """Middleware that asks callers who they are, and holds that against what their request needs."""

    def __init__(self, app: ASGIApp, *, open_to_all: bool, page: bool = False) -> None:
        """Stand before an application.

        Args:
            app: What is behind.
            open_to_all: Nobody is asked.
            page: There is one on which people log in.
        """
        self._app = app
        self._open = open_to_all
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller, or answer it with 401, 403 or 404."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def still() -> bool:
            try:
                return await self._admit(scope) == caller
            except Refusal:
                return False

        try:
            caller = await self._admit(scope)
        except Refusal as refusal:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": refusal.text[:120]})
            elif self._page and refusal.status == 401 and _looks(scope):
                await to_login(scope)(scope, receive, send)
            elif self._page and refusal.said and _looks(scope):
                await to_login(scope, said=refusal.said)(scope, receive, send)
            else:
                await refusal.answer()(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, still=still)
        if self._open or not changes(scope):  # where nobody is asked, nobody is known
            await self._app(scope, receive, send)
        else:
            people: People = scope["app"].state.people
            await noted(self._app, scope, receive, send, caller=caller, people=people)

    async def _admit(self, scope: Scope) -> Caller:
        if self._open:
            return OPEN
        found = need_of(SOCKET if scope["type"] == "websocket" else scope["method"], scope["path"])
        if found is None:
            there = f"{scope.get('method', SOCKET)} {scope['path'][:200]}"
            raise Refusal(404, "Unknown", f"there is no {there}; GET /docs shows what there is")
        try:
            caller = await _caller(scope, needed=bool(found.need.rights))
            if found.need.rights:
                await _hold(scope, caller, found)
        except UnavailableError as error:
            raise Refusal(503, "Unavailable", str(error), {"Retry-After": str(RETRY_S)}) from error
        return caller


def _looks(scope: Scope) -> bool:
    """Say whether somebody opens a page in a browser."""
    accepted = Headers(scope=scope).get("accept", "")
    return scope["method"] == "GET" and "text/html" in accepted and not scope["path"].startswith("/api/")


async def _caller(scope: Scope, *, needed: bool) -> Caller:
    """Find out who asks; where nothing is needed, nobody has to say."""
    if not needed:
        return Caller("nobody")
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    cookie, shared = cookie_of(headers, COOKIE), cookie_of(headers, SHARED)
    if scheme.lower() == "bearer":
        return await _find(scope, "token", token.strip(), f"the token is unknown here, or was revoked{_HOW}")
    if shared and not (cookie and await _known(scope, "session", cookie)):
        return await _find(scope, "share", shared, "the link by which you came has expired, or was taken back")
    if not cookie:
        raise _unknown(f"who asks is not said{_HOW}")
    if scope.get("method") not in READING and "origin" not in headers:  # which `Guard` has held against the host
        text = "a write with a cookie must name its origin, as browsers do; programs send a token instead"
        raise Refusal(403, "Foreign", text)
    return await _find(scope, "session", cookie, "nobody is logged in here any more; log in at /login")


async def _find(scope: Scope, kind: Kind, text: str, otherwise: str) -> Caller:
    try:
        caller = await _known(scope, kind, text)
    except ExpiredError as error:
        raise _unknown(f"{error}{_HOW}") from error
    if caller is None:
        raise _unknown(otherwise)
    return caller


async def _known(scope: Scope, kind: Kind, text: str) -> Caller | None:
    callers: Callers = scope["app"].state.callers
    return callers.known(kind, text) or await run_in_threadpool(callers.find, kind, text)


def _unknown(text: str) -> Refusal:
    return Refusal(401, "Token", text, {"WWW-Authenticate": 'Bearer realm="ergoscope"'})


async def _hold(scope: Scope, caller: Caller, found: Found) -> None:
    """Hold what a caller may do against what its request needs."""
    need = found.need
    if not caller.may_somewhere(need.rights):
        said = "waiting" if caller.account and not caller.may_somewhere(ALL_RIGHTS) else ""
        text = f"{caller.name} may not do this, which needs {_named(need.rights)}"
        raise Refusal(403, "Forbidden", text, said=said)
    if need.reach in (Reach.NOTHING, Reach.BODY) or caller.may_everywhere(need.rights):
        return
    if need.reach is Reach.SERVICE:
        text = f"{caller.name} is not for all projects; this is of all, and needs {_named(need.rights)} in each"
        raise Refusal(403, "Forbidden", text)
    if need.reach is Reach.PROJECT:
        project = QueryParams(scope["query_string"]).get("project", "")
        if not caller.may(need.rights, project):
            text = f"{caller.name} may not do this in project {project[:80]!r}; it needs {_named(need.rights)} there"
            raise Refusal(403, "Forbidden", text)
        return
    runs = _runs(scope, found)
    if not runs and need.reach is Reach.RUNS:
        raise Refusal(403, "Forbidden", f"{caller.name} is not for all projects; name the runs that are asked for")
    people: People = scope["app"].state.people
    projects = await run_in_threadpool(people.projects, runs) if runs else {}
    for run in runs:
        if run not in projects or not caller.may_of(need.rights, run, projects[run]):
            raise Refusal(404, "Unknown", f"there is no run {run!r}; GET /api/v1/runs has those there are")


def _runs(scope: Scope, found: Found) -> Collection[str]:
    query = QueryParams(scope["query_string"])
    named = [*query.getlist("run"), *query.getlist("runs")]
    return {*named, *([found.places["run"]] if "run" in found.places else [])}


def _named(rights: Collection[Right]) -> str:
    return " or ".join(f"the right to {right}" if right != Right.ADMIN else "an admin" for right in sorted(rights))
