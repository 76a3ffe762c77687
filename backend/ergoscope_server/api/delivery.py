"""How an answer goes out: not at all where whoever asks has it already, and packed where they can unpack it."""

from hashlib import blake2b

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST = 1000  # bytes; less is not worth packing
LEVEL = 3
_JSON = "application/json"


class Delivery:
    """Middleware for answers in JSON of one piece; others, such as streams and files, pass as they are.

    Those to GET have an `ETag` of what they say, and are 304 without a body where `If-None-Match` names it. What is not
    packed here, gzip may pack behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            await self._app(scope, receive, _Outgoing(scope, send).take)
        else:
            await self._app(scope, receive, send)


class _Outgoing:
    """One answer, whose head waits for its body."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._get = scope["method"] == "GET"
        self._asked = Headers(scope=scope)
        self._send = send
        self._head: Message | None = None

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _whole(message):
            self._head = message
            return
        head, self._head = self._head, None
        if head is None:
            await self._send(message)
            return
        if not message.get("more_body"):
            message = {**message, "body": self._prepare(head, message.get("body", b""))}
        await self._send(head)
        await self._send(message)

    def _prepare(self, head: Message, body: bytes) -> bytes:
        """Complete the head; give what is to be sent behind it."""
        headers = MutableHeaders(scope=head)
        if self._get and headers.get("cache-control") != "no-store":
            tag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
            headers["etag"] = tag
            if tag in _named(self._asked.get("if-none-match", "")):
                head["status"] = 304
                del headers["content-length"]
                return b""
        if len(body) >= LEAST and _takes_zstd(self._asked.get("accept-encoding", "")):
            body = zstandard.ZstdCompressor(level=LEVEL).compress(body)
            headers["content-encoding"] = "zstd"
            headers["content-length"] = str(len(body))
            headers.add_vary_header("Accept-Encoding")
        return body


def _whole(head: Message) -> bool:
    """Whether it begins an answer in JSON of one piece, which has its length."""
    headers = Headers(raw=head["headers"])
    plain = "content-length" in headers and "content-encoding" not in headers
    return head["status"] == 200 and plain and headers.get("content-type", "").startswith(_JSON)


def _named(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",")]


def _takes_zstd(text: str) -> bool:
    """Whether it is among what somebody takes, with any weight but none.

    Example:
        >>> _takes_zstd("gzip, zstd;q=0.5"), _takes_zstd("gzip, zstd;q=0"), _takes_zstd("")
        (True, False, False)
    """
    for part in text.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() == "zstd":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
