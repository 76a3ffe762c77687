"""The page asks the service as whoever looks at it."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from ergoscope_ui.visitor import Visitor, brought


async def _nothing() -> Message:
    raise AssertionError("nothing is read")


async def _ignore(message: Message) -> None:
    """Take what is answered."""


def _visit(kind: str, *headers: tuple[bytes, bytes]) -> dict[str, str]:
    seen: dict[str, str] = {}

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(await asyncio.to_thread(brought))  # as the client asks: in a thread

    asyncio.run(Visitor(inner)({"type": kind, "headers": list(headers)}, _nothing, _ignore))
    return seen


def test_what_tells_who_somebody_is_is_handed_on_and_nothing_else() -> None:
    seen = _visit("http", (b"cookie", b"a=b"), (b"authorization", b"Bearer t"), (b"host", b"h"), (b"origin", b"o"))

    assert seen == {"cookie": "a=b", "authorization": "Bearer t"}


def test_nobody_brings_nothing() -> None:
    assert _visit("http") == {}
    assert _visit("lifespan", (b"cookie", b"a=b")) == {}
    assert brought() == {}


def test_two_at_once_are_not_mixed_up() -> None:
    async def both() -> list[dict[str, str]]:
        seen: list[dict[str, str]] = []
        turn = asyncio.Barrier(2)

        async def inner(scope: Scope, receive: Receive, send: Send) -> None:
            await turn.wait()
            seen.append(dict(brought()))

        async def visit(cookie: bytes) -> None:
            await Visitor(inner)({"type": "http", "headers": [(b"cookie", cookie)]}, _nothing, _ignore)

        await asyncio.gather(visit(b"ada"), visit(b"bob"))
        return seen

    assert sorted(one["cookie"] for one in asyncio.run(both())) == ["ada", "bob"]
