"""How much the page takes: what is sent to it is held in memory whole, before anything of ours sees it.

The interface below /api counts what it reads by itself, each route by its own limit.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ergoscope_server.api.answer import problem

MOST_BYTES = 16 * 2**20


class Limits:
    """Middleware that refuses bodies to the page which are long, or do not say how long they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 411 or 413."""
        if scope["type"] != "http" or scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stated = headers.get("content-length", "0")
        if "transfer-encoding" in headers:
            text = "a body sent to the page must state its length (Content-Length)"
            await problem(411, "Size", text)(scope, receive, send)
        elif not stated.isdigit() or int(stated) > MOST_BYTES:
            text = f"the body has {stated[:20]} bytes; the page takes at most {MOST_BYTES}"
            await problem(413, "Size", text)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
