"""Requests byte by byte, as a slow or broken network would bring them."""

import socket
import struct
from types import TracebackType
from urllib.parse import urlsplit

import urllib3

from ergoscope_contract.codec import encode
from tests.backend.store.batches import batch, line

POINTS = 50


def body(seq: int, *, run: str = "r") -> bytes:
    """A batch whose points follow on those of the one before."""
    return encode(batch(seq, {"x": line(seq * POINTS, POINTS)}, run=run))


def post(url: str, content: bytes) -> int:
    """Send a batch; give the status."""
    return urllib3.request("POST", f"{url}/api/v1/batches", body=content, retries=False, timeout=20.0).status


def steps(url: str, *, run: str = "r") -> list[int]:
    """Give the steps of a run that the service has."""
    answer = urllib3.request("GET", f"{url}/api/v1/runs/{run}/series?metrics=x", retries=False, timeout=20.0)
    assert answer.status == 200, answer.data
    return [step for one in answer.json()["series"] for step in one["steps"]]


class SlowPost:
    """A batch whose body comes when it is told to; the service has begun with it once this is made."""

    def __init__(self, url: str, content: bytes) -> None:
        place = urlsplit(url)
        self._rest = content
        self._socket = socket.create_connection((place.hostname, place.port or 80), timeout=20)
        head = f"POST /api/v1/batches HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(content)}\r\n"
        self._socket.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert self._socket.recv(1024).startswith(b"HTTP/1.1 100"), "the service asks for the body"

    def send(self, count: int) -> None:
        """Send so many bytes more."""
        self._socket.sendall(self._rest[:count])
        self._rest = self._rest[count:]

    def finish(self) -> bytes:
        """Send the rest, and give the whole answer."""
        self.send(len(self._rest))
        parts = []
        while part := self._socket.recv(65536):
            parts.append(part)
            if b'"stored"' in part:
                break
        return b"".join(parts)

    @property
    def ended(self) -> bool:
        """Wait until the service says something more; whether it closes the connection instead."""
        return self._socket.recv(1) == b""

    def reset(self) -> None:
        """Break off without a word."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def __enter__(self) -> "SlowPost":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._socket.close()
