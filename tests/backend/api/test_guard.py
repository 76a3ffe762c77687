"""Names that the service answers to, and pages that may write to it."""

import asyncio

import msgspec
import pytest
from starlette.types import Message, Receive, Scope, Send

from ergoscope_server.api.guard import Guard


async def _inner(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _ask(guard: Guard, host: str, *, origin: str = "", method: str = "GET") -> tuple[int, str]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    asyncio.run(guard({"type": "http", "method": method, "headers": headers}, receive, send))
    body = sent[1]["body"]
    return sent[0]["status"], msgspec.json.decode(body)["detail"] if body else ""


LOCAL = Guard(_inner, local=True)
NAMED = Guard(_inner, local=False, names=["ergo.example.org"])
UNNAMED = Guard(_inner, local=False)


@pytest.mark.parametrize("host", ["127.0.0.1:7117", "localhost", "[::1]:7117"])
@pytest.mark.parametrize("guard", [LOCAL, NAMED, UNNAMED])
def test_names_of_loopback_are_always_right(guard: Guard, host: str) -> None:
    assert _ask(guard, host) == (200, "")


@pytest.mark.parametrize("host", ["evil.example", "ergo.example.org.evil.example", "", "[::"])
def test_a_foreign_name_is_refused_with_those_that_are_right(host: str) -> None:
    assert _ask(LOCAL, host)[0] == 403
    status, text = _ask(NAMED, host)
    assert status == 403
    assert text == (
        f"the request is for host {host!r}; this service answers to ergo.example.org. To serve others, start it with "
        "--host, and name it in ERGOSCOPE_PUBLIC_URL"
    )


@pytest.mark.parametrize("host", ["ergo.example.org", "ERGO.example.org:443"])
def test_a_public_name_is_answered_to(host: str) -> None:
    assert _ask(NAMED, host) == (200, "")


def test_where_no_name_is_told_any_will_do() -> None:
    assert _ask(UNNAMED, "gpu-box.lab") == (200, "")


def test_a_page_of_another_site_may_not_write() -> None:
    host, evil = "ergo.example.org", "https://evil.example"

    assert _ask(NAMED, host, origin=evil)[0] == 200  # reading tells the page nothing
    status, text = _ask(NAMED, host, origin=evil, method="POST")
    assert status == 403
    assert text == f"the request comes from a page of {evil!r}; only pages of {host!r} may write here"
    assert _ask(NAMED, host, origin=f"https://{host}", method="POST") == (200, "")
