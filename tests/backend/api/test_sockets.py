"""Sockets are held against what they need like every other request, before anything of theirs is read."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.types import Message, Receive, Scope, Send

from ergoscope_server.api.access import Access
from ergoscope_server.people.callers import Callers
from ergoscope_server.people.rights import OPEN
from tests.backend.api.roles import guarding


def _through(access: Access, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read of a request that is not let in")

    asyncio.run(access(scope, receive, send))
    return sent


class Inner:
    """An application that notes whom it was called by."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


@pytest.fixture
def inner() -> Inner:
    return Inner()


def _socket(path: str, *headers: tuple[bytes, bytes], app: object = None) -> Scope:
    return {"type": "websocket", "path": path, "query_string": b"", "headers": list(headers), "app": app}


@pytest.mark.parametrize("path", ["/_dash-ws-callback", "/api/v1/socket"])
def test_a_socket_is_authorised_like_everything_else(inner: Inner, path: str) -> None:
    sent = _through(Access(inner, open_to_all=False), _socket(path))

    assert [message["type"] for message in sent] == ["websocket.close"]
    assert sent[0]["code"] == 1008
    assert inner.scopes == []


def test_a_socket_with_a_token_is_let_in(inner: Inner, tmp_path: Path) -> None:
    with guarding(tmp_path) as guarded:
        header = (b"authorization", guarded.headers["read"]["Authorization"].encode())
        app = SimpleNamespace(state=SimpleNamespace(callers=Callers(guarded.people), people=guarded.people))

        sent = _through(Access(inner, open_to_all=False), _socket("/_dash-ws-callback", header, app=app))

    assert sent == []
    assert inner.scopes[0]["state"]["caller"].name.startswith("token ")


def test_where_nobody_is_asked_everything_is_let_in(inner: Inner) -> None:
    _through(Access(inner, open_to_all=True), _socket("/anything"))

    assert inner.scopes[0]["state"]["caller"] == OPEN
