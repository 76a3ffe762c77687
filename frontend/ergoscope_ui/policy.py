"""What the page may load and run, as browsers are told it: scripts of the service's own files and nothing else.

The one script that stands in the page, which starts Dash, is named by its hash. Styles may stand in it: Dash and plotly
set them on what they draw. Pages of this machine, such as a notebook, may show it in a frame; no other site may.
"""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES = "'self' http://localhost:* http://127.0.0.1:*"


def policy(scripts: Sequence[str]) -> str:
    """Give the policy.

    Args:
        scripts: Hashes of the scripts that stand in the page, as 'sha256-...' with their quotes.

    Example:
        >>> policy(["'sha256-abc='"]).split("; ")[1]
        "script-src 'self' 'sha256-abc='"
    """
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *scripts]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": FRAMES,
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


class Policy:
    """Middleware that adds the policy to pages."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", self._policy)
            await send(message)

        await self._app(scope, receive, sent if scope["type"] == "http" else send)
