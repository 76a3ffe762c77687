"""What browsers are told of every answer: to run nothing of it, to take it for what it says it is, to tell nobody."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DATA = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # the page says what it needs itself
HEADERS = {
    "Content-Security-Policy": _DATA,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # addresses of runs are nobody else's business
}


class Headers:
    """Middleware that adds them where nothing else was said."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)
