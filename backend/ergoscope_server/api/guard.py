"""Which browsers' requests are refused whoever asks: those that pages of other sites make.

A browser can be made to send requests to 127.0.0.1, or to a machine of its network, by any site (DNS rebinding,
cross-site forms). Such a request names a foreign host, or comes from a foreign origin; both are refused.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ergoscope_server.api.answer import problem

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Middleware that refuses foreign hosts, and foreign origins on writes and sockets."""

    def __init__(self, app: ASGIApp, *, local: bool, names: Collection[str] = ()) -> None:
        """Guard an application.

        Args:
            app: What is guarded.
            local: It listens on loopback, where every rightful name is known.
            names: What the service is called by others; where none is named and it is not local, any name will do.
        """
        self._app = app
        self._names = LOCAL_NAMES.union(names) if local or names else None
        self._told = ", ".join(names) or "127.0.0.1 and localhost"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 403."""
        fault = self._fault(scope) if scope["type"] in ("http", "websocket") else ""
        if not fault:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": fault[:120]})
        else:
            await problem(403, "Foreign", fault)(scope, receive, send)

    def _fault(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._names is not None and _name(f"//{host}") not in self._names:
            return (
                f"the request is for host {host[:80]!r}; this service answers to {self._told}. To serve others, start "
                "it with --host, and name it in ERGOSCOPE_PUBLIC_URL"
            )
        origin = headers.get("origin")
        writes = scope["type"] == "websocket" or scope["method"] not in READING
        if writes and origin is not None and urlsplit(origin).netloc != host:
            return f"the request comes from a page of {origin[:80]!r}; only pages of {host[:80]!r} may write here"
        return ""


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
