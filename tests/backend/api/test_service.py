"""Health, description, guard, and what no endpoint answers."""

import socket
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from fastapi import FastAPI

from ergoscope_server.api import examples
from ergoscope_server.api.guard import Guard
from ergoscope_server.app import create_app
from ergoscope_server.serving import AddressError, Server, listen
from ergoscope_server.settings import Settings
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.store import Store
from tests.backend.api.conftest import Running
from tests.backend.store.batches import batch, line


def test_the_examples_of_the_description_are_what_the_service_says(running: Running) -> None:
    ask = running.client.get

    assert running.client.post("/api/v1/batches", json=examples.BATCH).json() == examples.RECEIPT
    assert ask("/api/v1/runs/fox-7/series?metrics=loss&metrics=lr").json() == examples.SERIES
    assert ask("/api/v1/runs/fox-7/series?metrics=loss&buckets=2").json() == examples.BUCKETS
    assert ask("/api/v1/runs/fox-7/metrics").json() == examples.METRICS
    assert ask("/api/v1/runs/nobody").json() == examples.PROBLEM
    with running.client.stream("GET", "/api/v1/live?run=fox-7&metrics=lr&since=fox-7:0") as stream:
        assert next(stream.iter_text()) in examples.STREAM


def test_every_path_is_described_for_people_and_programs_without_another_host(running: Running) -> None:
    described = running.client.get("/openapi.json").json()["paths"]
    page = running.client.get("/docs").text

    assert len(described) >= 14
    for path, operations in described.items():
        assert path in page
        assert all(operation["description"] for operation in operations.values())
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_alive_and_ready(running: Running) -> None:
    assert running.client.get("/healthz").json() == {"status": "ok"}
    assert running.client.get("/readyz").json() == {"status": "ready", "reasons": []}


def test_not_ready_says_why(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise UnavailableError("the database cannot answer now: gone")

    monkeypatch.setattr("ergoscope_server.api.service.read_standing", fail)

    answer = running.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reasons": ["the database cannot answer now: gone"]}
    assert running.client.get("/healthz").status_code == 200


def test_a_migration_that_is_missing_makes_it_not_ready(running: Running) -> None:
    with running.service.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")

    answer = running.client.get("/readyz")

    assert answer.status_code == 503
    assert "the schema is at revision 0003, " in answer.json()["reasons"][0]


def test_what_only_makes_things_late_is_degraded_and_ready(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(running.service.bus), "connected", False)

    answer = running.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "reasons": ["Redis does not answer, so news come late; see that it runs"],
    }


def test_a_question_while_the_database_is_away_is_503_with_the_reason(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise UnavailableError("the database cannot answer now: gone")

    monkeypatch.setattr(running.service.store, "summaries", fail)

    answer = running.client.get("/api/v1/runs")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {"error": "Unavailable", "detail": "the database cannot answer now: gone"}


def test_the_service_counts_what_it_does(running: Running) -> None:
    sent = batch(0, {"x": line(0, 7)})
    running.post(sent)
    running.post(sent)

    text = running.client.get("/metrics").text

    assert 'ergoscope_batches_total{outcome="stored"} 1.0' in text
    assert 'ergoscope_batches_total{outcome="duplicate"} 1.0' in text
    assert "ergoscope_values_total 7.0" in text
    assert "ergoscope_acknowledge_seconds_count 2.0" in text


@pytest.mark.parametrize("path", ["/api/v1/nope", "/api/", "/api/v2/runs", "/api/v1/runs/a/b/c"])
def test_an_unknown_path_is_404_in_json(running: Running, path: str) -> None:
    answer = running.client.get(path)

    assert answer.status_code == 404
    assert answer.json() == {"error": "Unknown", "detail": f"there is no GET {path}; GET /docs shows what there is"}


@pytest.mark.parametrize("path", ["/api/v1/runs/a%00b", "/api/v1/runs?project=%00", "/api/v1/series?runs=%00"])
def test_an_address_with_a_nul_is_refused(running: Running, path: str) -> None:
    answer = running.client.get(path)

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the address holds a NUL character; ")


def test_a_wrong_method_is_404_with_the_method(running: Running) -> None:
    answer = running.client.delete("/api/v1/runs")

    assert answer.status_code == 404
    assert "there is no DELETE /api/v1/runs" in answer.json()["detail"]


def test_a_foreign_host_is_refused(running: Running) -> None:
    answer = running.client.get("/api/v1/runs", headers={"Host": "evil.example:7117"})

    assert (answer.status_code, answer.json()["error"]) == (403, "Foreign")
    assert "'evil.example:7117'" in answer.json()["detail"]
    assert "answers to 127.0.0.1 and localhost" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:7117"])
def test_every_name_of_this_machine_is_served(running: Running, host: str) -> None:
    assert running.client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_foreign_page_may_not_write(running: Running, origin: str) -> None:
    answer = running.client.post("/api/v1/batches", json=examples.BATCH, headers={"Origin": origin})

    assert answer.status_code == 403
    assert f"the request comes from a page of {origin!r}" in answer.json()["detail"]
    assert running.client.get("/api/v1/runs").json() == {"runs": []}


def test_our_own_page_may_write(running: Running) -> None:
    answer = running.client.post("/api/v1/batches", json=examples.BATCH, headers={"Origin": running.url})

    assert answer.status_code == 200


def test_a_foreign_socket_is_closed() -> None:
    import asyncio

    from starlette.types import Message, Receive, Scope, Send

    sent: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("a foreign socket came through")

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": [(b"host", b"127.0.0.1:7117"), (b"origin", b"http://evil.example")]}
    asyncio.run(Guard(inner, local=True)(scope, receive, send))

    assert sent[0]["code"] == 1008


def test_a_service_for_others_answers_to_any_name_but_not_to_foreign_pages(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", data_dir=tmp_path, page=False)
    app = create_app(settings, Store(settings.store_url))
    ready = Event()
    with listen("127.0.0.1", 0) as listening:
        server = Server(app, ready=ready.set)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert ready.wait(20)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        named = httpx.get(f"{url}/healthz", headers={"Host": "gpu-box.lab"})
        foreign = httpx.post(f"{url}/api/v1/batches", headers={"Host": "gpu-box.lab", "Origin": "http://evil.example"})
        server.stop()
        thread.join(20)

    assert (named.status_code, foreign.status_code) == (200, 403)


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=f"port {port} of 127.0.0.1 is in use, .* choose another with --port"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(AddressError, match=r"cannot listen on 192\.0\.2\.1:80: .*--host and --port"):
        listen("192.0.2.1", 80)


def test_a_page_is_mounted_where_one_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted: list[str] = []

    class Page:
        def load(self) -> object:
            def mount(app: FastAPI, *, server_url: str) -> None:
                assert any("/api/" in getattr(route, "path", "/api/") for route in app.routes)
                mounted.append(server_url)

            return mount

    monkeypatch.setattr("ergoscope_server.app.entry_points", lambda group: [Page()] * (group == "ergoscope.pages"))

    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    create_app(Settings(), store, server_url="http://127.0.0.1:5")
    create_app(Settings(page=False), store, server_url="http://127.0.0.1:6")
    store.close()

    assert mounted == ["http://127.0.0.1:5"]


def test_a_listening_socket_is_in_the_right_family() -> None:
    with listen("::1", 0) as listening:
        assert listening.family == socket.AF_INET6
