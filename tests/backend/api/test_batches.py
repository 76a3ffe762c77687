"""POST /api/v1/batches: what is taken, what is refused, and in which words."""

import json
import socket
import struct
from pathlib import Path

import httpx
import pytest
import zstandard
from msgspec.structs import replace

from ergoscope_contract import codec
from ergoscope_contract.records import Batch, Block
from ergoscope_server.ingest.pressure import LATEST_S, SOONEST_S
from ergoscope_server.settings import Settings
from tests.backend.api.conftest import Running, serving, wait_for
from tests.backend.store.batches import batch, line

PATH = "/api/v1/batches"


def _values(running: Running, metric: str = "x") -> list[object]:
    answer = running.client.get("/api/v1/runs/r/series", params={"metrics": metric}).json()
    values: list[object] = answer["series"][0]["values"]
    return values


def test_a_batch_is_acknowledged_and_can_be_read(running: Running) -> None:
    answer = running.client.post(PATH, content=codec.encode(batch(0, {"x": line(0, 3)})))

    assert (answer.status_code, answer.json()) == (200, {"stored": True, "values": 3})
    assert _values(running) == [0.0, 1.0, 2.0]


def test_a_replay_is_acknowledged_as_such(running: Running) -> None:
    sent = batch(0, {"x": line(0, 3)})
    running.post(sent)

    assert running.post(sent).duplicate
    assert _values(running) == [0.0, 1.0, 2.0]


def test_what_is_not_finite_is_data(running: Running) -> None:
    running.post(batch(0, {"x": ([0, 1, 2], [float("nan"), float("inf"), float("-inf")])}))

    assert _values(running) == ["NaN", "Infinity", "-Infinity"]


def test_values_that_are_no_numbers_are_refused_alone_with_422(running: Running) -> None:
    mixed = {"keys": [0], "steps": [1, 2, 3], "values": [[1.0, None, "two"]]}
    body = {"version": 1, "run": "r", "attempt": 1, "rank": 0, "seq": 0, "keys": ["x"], "blocks": [mixed]}

    answer = running.client.post(PATH, json=body)

    assert answer.status_code == 422
    assert answer.json()["stored"] is True
    assert [r["where"] for r in answer.json()["refused"]] == ["blocks[0].x[1]", "blocks[0].x[2]"]
    assert "None" in answer.json()["refused"][0]["reason"]
    assert _values(running) == [1.0]


def _packed(content: bytes, version: int = 1) -> bytes:
    return codec.MAGIC + bytes([version]) + zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        (b"", 400, "Stranger", "it begins with b'', a batch begins with b'ERGO'"),
        (b"<html>", 400, "Stranger", "it begins with b'<htm', a batch begins with b'ERGO'"),
        (b"ERG", 400, "Truncated", "the batch ends after 3 bytes; its head alone has 5"),
        (b"ERGO\x63xxxx", 400, "Version", "speaks contract version 99; understood here: 1"),
        (codec.encode(batch(0, {"x": line(0, 9)}))[:-4], 400, "Truncated", "the batch's content is damaged"),
        (_packed(b"\xc1"), 400, "Truncated", "the batch cannot be read"),
        (_packed(b"\x80"), 400, "Shape", "missing required field `version`"),
        (codec.encode(replace(batch(0, {}), run="../etc")), 400, "Shape", "the run id is '../etc'; allowed"),
        (codec.encode(replace(batch(0, {}), seq=-1)), 400, "Shape", "Expected `int` >= 0"),
    ],
)
def test_what_is_no_batch_is_refused_whole_and_told_why(
    running: Running, body: bytes, status: int, kind: str, text: str
) -> None:
    answer = running.client.post(PATH, content=body)

    assert (answer.status_code, answer.json()["error"]) == (status, kind)
    assert text in answer.json()["detail"]
    assert running.client.get("/api/v1/runs").json() == {"runs": []}


def test_a_body_larger_than_allowed_is_refused_before_it_is_read(running: Running) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {codec.MAX_PACKED + 1}\r\n\r\n"
        connection.sendall(head.encode())  # and nothing more
        answer = ""
        while "parts" not in answer:
            part = connection.recv(65_536).decode()
            assert part, answer
            answer += part

    assert answer.startswith("HTTP/1.1 413")
    assert f"at most {codec.MAX_PACKED} are allowed, so send it in parts" in answer


def test_a_body_that_does_not_say_its_size_is_cut_off_at_the_limit(running: Running) -> None:
    part = bytes(1024 * 1024)

    answer = running.client.post(PATH, content=(part for _ in range(18)))

    assert answer.status_code == 413
    assert answer.json()["error"] == "Size"


def test_content_that_unpacks_to_more_than_allowed_is_refused(running: Running) -> None:
    frame = bytearray(zstandard.ZstdCompressor().compress(bytes(codec.MAX_UNPACKED + 1)))

    answer = running.client.post(PATH, content=codec.MAGIC + b"\x01" + bytes(frame))

    assert answer.status_code == 413
    assert f"at most {codec.MAX_UNPACKED} are allowed" in answer.json()["detail"]


def test_a_connection_that_breaks_off_leaves_nothing_behind(running: Running) -> None:
    body = codec.encode(batch(0, {"x": line(0, 100)}))
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:50])

    running.post(batch(0, {"x": line(0, 2)}))

    assert _values(running) == [0.0, 1.0]


def test_many_senders_at_once_each_get_their_receipt(running: Running) -> None:
    import asyncio

    async def send() -> list[int]:
        async with httpx.AsyncClient(base_url=running.url, timeout=20) as client:
            bodies = [codec.encode(batch(seq, {"x": line(seq, 1)}, run=f"r{seq % 5}")) for seq in range(100)]
            answers = await asyncio.gather(*(client.post(PATH, content=body) for body in bodies))
        return [answer.status_code for answer in answers]

    assert asyncio.run(send()) == [200] * 100
    assert sum(run["cursor"] for run in running.client.get("/api/v1/runs").json()["runs"]) == 100


def test_a_database_that_is_away_is_said_with_when_to_come_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ergoscope_server.store.errors import UnavailableError

    def fail(*_: object, **__: object) -> None:
        raise UnavailableError("the database cannot write now: disk full")

    with monkeypatch.context() as patch:
        patch.setattr("ergoscope_server.store.store.accept", fail)
        answer = running.client.post(PATH, content=codec.encode(batch(0, {"x": line(0, 1)})))

    assert (answer.status_code, answer.json()["error"]) == (503, "Busy")
    assert "disk full" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert running.post(batch(0, {"x": line(0, 1)})).duplicate is False


def test_too_many_gaps_are_a_shape_problem(running: Running) -> None:
    from ergoscope_server.store.seen import MOST_GAPS
    from tests.backend.store.batches import arrival

    running.service.store.accept([arrival(batch(2 * i, {})) for i in range(MOST_GAPS)])

    answer = running.client.post(PATH, content=codec.encode(batch(9_999_999, {})))

    assert (answer.status_code, answer.json()["error"]) == (400, "Shape")
    assert "send the batches that are missing first" in answer.json()["detail"]


def test_a_packed_block_and_a_json_batch_mean_the_same(running: Running) -> None:
    running.post(batch(0, {"x": ([1, 2], [0.5, 1.5])}))
    block = {"keys": [0], "steps": [3], "values": [[2.5]]}
    sent = {
        "version": 1,
        "run": "r",
        "attempt": 1_790_000_000_000,
        "rank": 0,
        "seq": 1,
        "keys": ["x"],
        "blocks": [block],
    }

    answer = running.client.post(
        PATH, content=json.dumps(sent), headers={"content-type": "application/json; charset=utf-8"}
    )

    assert answer.status_code == 200
    assert _values(running) == [0.5, 1.5, 2.5]


def test_an_empty_block_is_no_series(running: Running) -> None:
    running.post(Batch(1, "r", 1, 0, 0, ["x"], [Block([0], b"", b"")]))

    assert running.client.get("/api/v1/runs/r/metrics").json() == {"metrics": []}


HEAD = {"version": 1, "run": "r", "attempt": 1, "rank": 0, "seq": 0}
HUGE = 10**30


@pytest.mark.parametrize(
    "more",
    [
        {
            "about": {
                "id": "r",
                "project": "p",
                "name": "n",
                "created": 1.0,
                "config": {"seed": HUGE, "deep": [[[HUGE]]]},
            }
        },
        {"events": [{"kind": "note", "wall": 1.0, "data": {"n": HUGE}}]},
        {"sketches": [{"key": "k", "step": 1, "seed": HUGE, "values": "AAAAAA=="}]},
        {"begun": {"number": 1, "started": 1.0, "system": {"n": HUGE}}},
        {"keys": ["x"], "blocks": [{"keys": [0], "steps": [HUGE], "values": [[1]]}]},
        {"keys": ["x"], "blocks": [{"keys": [0], "steps": [1], "values": [[HUGE]]}]},
        {"pulse": {"wall": 1.0, "last_step": HUGE}},
    ],
)
def test_numbers_that_are_too_large_are_never_a_fault_of_the_service(running: Running, more: dict[str, object]) -> None:
    answer = running.client.post(PATH, json=HEAD | more)

    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code == 422:
        reasons = ("an integer beyond 64 bits; send it as text", "Expected `int` <= ", "outside the 64-bit integers")
        assert any(reason in answer.json()["refused"][0]["reason"] for reason in reasons)
    assert running.client.get("/api/v1/runs/r/events").status_code in (200, 404)
    assert running.client.get("/api/v1/runs").status_code == 200


def test_senders_wait_while_more_than_allowed_is_not_folded(tmp_path: Path) -> None:
    with serving(Settings(data_dir=tmp_path, page=False, unfolded_mb=1)) as running:
        running.post(batch(0, {"x": line(0, 80_000)}))
        late = codec.encode(batch(1, {"x": line(80_000, 1)}))
        wait_for(lambda: running.client.post(PATH, content=codec.encode(batch(0, {}))).status_code == 429)

        answer = running.client.post(PATH, content=late)
        assert answer.status_code == 429
        assert answer.json()["error"] == "Full"
        assert SOONEST_S <= int(answer.headers["retry-after"]) <= LATEST_S

        running.service.store.fold("r")
        wait_for(lambda: running.client.post(PATH, content=late).status_code == 200)
        assert running.service.store.cursor("r") == 2
