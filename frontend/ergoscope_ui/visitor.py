"""Who looks at the page: what their browser brought is handed on, so that the page asks the service as them.

The page itself may do nothing. Whatever a callback asks or writes is allowed to the one who looks, or refused.
"""

from collections.abc import Mapping
from contextvars import ContextVar

from starlette.types import ASGIApp, Receive, Scope, Send

_NAMES = (b"authorization", b"cookie")
_brought: ContextVar[Mapping[str, str]] = ContextVar("ergoscope_visitor")


class Visitor:
    """Middleware that keeps what a request brings of its sender as long as it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _NAMES}
        token = _brought.set(found)
        try:
            await self._app(scope, receive, send)
        finally:
            _brought.reset(token)


def brought() -> Mapping[str, str]:
    """Give the headers by which the service knows who looks; none outside of a request."""
    return _brought.get({})
