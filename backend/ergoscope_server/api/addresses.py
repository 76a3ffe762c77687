"""Addresses that no name can stand in: PostgreSQL keeps no NUL in text, so nothing can be asked by one."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ergoscope_server.api.answer import problem


class PlainAddresses:
    """Middleware that refuses addresses with a NUL character."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 400."""
        if scope["type"] == "http" and ("\x00" in scope["path"] or b"%00" in scope["query_string"]):
            text = "the address holds a NUL character; no run, series or cursor has one in its name"
            await problem(400, "Parameter", text)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
