"""Bodies that are too long, packed too well or nested too deeply cost little and are refused in clear words."""

import resource
import socket

import msgspec
import pytest
import zstandard

from ergoscope_contract import codec
from tests.backend.api.conftest import Running

DEEP = b"[" * 200_000


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("path", ["/_dash-update-component", "/login", "/logout", "/"])
def test_a_long_body_to_the_page_is_refused_before_it_is_read(running: Running, path: str) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {2**34}\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413")
    assert f"the body has {2**34} bytes; the page takes at most 16777216".encode() in answer


def test_a_body_to_the_page_must_say_how_long_it_is(running: Running) -> None:
    answer = running.client.post("/_dash-update-component", content=iter([b"{}"]))

    assert answer.status_code == 411
    assert answer.json()["detail"] == "a body sent to the page must state its length (Content-Length)"


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
@pytest.mark.parametrize("body", [DEEP, b'{"run":' + DEEP, b"\x91" * 200_000, b"", b"\x00"])
def test_a_batch_that_is_none_is_refused_and_nothing_breaks(running: Running, kind: str, body: bytes) -> None:
    answer = running.client.post("/api/v1/batches", content=body, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/runs/r/slices", "/api/v1/retention?project=p"])
@pytest.mark.parametrize("body", [DEEP[:4000], b'{"days":' * 400, b"\xff\xfe", b"[1, 2]", b"x" * 5000])
def test_what_is_asked_for_in_another_form_is_refused_in_words(running: Running, path: str, body: bytes) -> None:
    answer = running.client.request("PUT" if "retention" in path else "POST", path, content=body)

    assert answer.status_code in (404, 422)
    assert answer.json()["detail"]


def test_a_batch_packed_ten_thousandfold_is_refused_without_being_unpacked(running: Running) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(codec.MAX_UNPACKED * 8))
    before = _peak_mib()

    answer = running.client.post("/api/v1/batches", content=b"ERGO\x01" + bomb)

    assert answer.status_code == 413
    assert "unpacked" in msgspec.json.decode(answer.content)["detail"]
    assert _peak_mib() - before < 64
