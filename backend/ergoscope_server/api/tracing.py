"""Names each request, counts it, and notes how it ended.

The name is the one that the asker gave as X-Request-ID, where that is a plain word, or one made here; the answer has it
in a header of the same name, and so have all lines of the log that are about the request.
"""

import logging
import re
import secrets
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ergoscope_server.api.answer import PROBLEM, problem
from ergoscope_server.gauges import Gauges
from ergoscope_server.logs import note_request, noted_run

HEADER = "X-Request-ID"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})  # others are whatever somebody sends
STREAM = "text/event-stream"  # lasts as long as its reader likes, which is no latency

log = logging.getLogger(__name__)


class Tracing:
    """Middleware around everything else, so that what others refuse is noted too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it ended; what nobody has caught is answered with 500 and goes on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracked = _Tracked(scope, send)
        try:
            await self._app(scope, receive, tracked.send)
        except ClientDisconnect:  # nobody waits for an answer
            return
        except Exception:
            if not tracked.status:
                text = f"something went wrong here; the service's log has more under request {tracked.name}"
                await problem(500, "Internal", text)(scope, receive, tracked.send)
            raise
        finally:
            tracked.end()


def plain(asked: str) -> bool:
    """Whether a request may be called so: it stands in logs and headers.

    Example:
        >>> plain("4bf92f35-77b3"), plain("a b"), plain("x" * 65)
        (True, False, False)
    """
    return PLAIN.fullmatch(asked) is not None


class _Tracked:
    """One request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        asked = Headers(scope=scope).get(HEADER, "")
        self.name = asked if plain(asked) else secrets.token_hex(8)
        self.status = 0
        self._streams = False
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        note_request(self.name)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[HEADER] = self.name
            self._streams = headers.get("content-type", "").startswith(STREAM)
        await self._send(message)

    def end(self) -> None:
        lasted = time.perf_counter() - self._began
        facts: dict[str, object] = {
            "run": str(self._scope.get("path_params", {}).get("run", "")) or noted_run(),
            "method": self._scope["method"] if self._scope["method"] in METHODS else "other",
            "route": route_of(self._scope),
            "status": self.status or None,
            "reason": self._scope.get(PROBLEM, ""),
            "duration_s": round(lasted, 6),
        }
        service = getattr(self._scope["app"].state, "service", None) if "app" in self._scope else None
        if service is not None:
            self._count(service.gauges, facts, lasted)
        # That the service cannot work now is told once by whoever finds it out, not by each request.
        level = logging.WARNING if self.status >= 500 and self.status != 503 else logging.INFO
        log.log(level, "answered" if self.status else "not answered", extra=facts)

    def _count(self, gauges: Gauges, facts: dict[str, object], lasted: float) -> None:
        method, route = facts["method"], facts["route"]
        gauges.requests.labels(method, route, self.status or "none").inc()
        if facts["reason"]:
            gauges.refusals.labels(route, facts["reason"]).inc()
        if self.status and not self._streams:
            gauges.request_seconds.labels(method, route).observe(lasted)


def route_of(scope: Scope) -> str:
    """Give the route of a request as it is declared, without what stands in its places; "page" and "none" beside it."""
    declared = str(getattr(scope.get("route"), "path", ""))
    if declared.startswith("/"):  # the page's own do not
        return declared
    return "page" if "endpoint" in scope else "none"
