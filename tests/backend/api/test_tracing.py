"""Requests are named, counted and noted, and what is nobody's business is not."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest

from ergoscope_contract.codec import encode
from ergoscope_server.logs import JsonLines
from ergoscope_server.settings import Settings
from tests.backend.api.conftest import Running, serving, wait_for
from tests.backend.store.batches import batch, line


class Lines:
    """What is noted while this listens."""

    def __init__(self) -> None:
        self._heard = StringIO()
        self._handler = logging.StreamHandler(self._heard)
        self._handler.setFormatter(JsonLines())
        self._loggers = [logging.getLogger(name) for name in ("ergoscope_server", "uvicorn")]
        for one in self._loggers:
            one.addHandler(self._handler)
            one.setLevel(logging.DEBUG)

    @property
    def text(self) -> str:
        return self._heard.getvalue()

    def of(self, request: str) -> list[dict[str, object]]:
        """Wait for what is noted of a request; its answer may be there before."""
        wait_for(lambda: f'"request": "{request}"' in self.text)
        return [said for one in self.text.splitlines() if (said := json.loads(one)).get("request") == request]

    def close(self) -> None:
        for one in self._loggers:
            one.removeHandler(self._handler)
            one.setLevel(logging.NOTSET)


@pytest.fixture
def lines() -> Iterator[Lines]:
    listening = Lines()
    yield listening
    listening.close()


def test_a_request_keeps_the_name_it_was_given(running: Running) -> None:
    answer = running.client.get("/healthz", headers={"X-Request-ID": "4bf92f35-77b3_a.1"})

    assert answer.headers["x-request-id"] == "4bf92f35-77b3_a.1"


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "-begins", 'quote"', "a\tb"])
def test_a_name_that_is_no_plain_word_is_replaced(running: Running, name: str) -> None:
    first, second = (running.client.get("/healthz", headers={"X-Request-ID": name}) for _ in range(2))

    made = {first.headers["x-request-id"], second.headers["x-request-id"]}
    assert len(made) == 2
    assert all(len(one) == 16 and one != name for one in made)


def test_a_batch_is_noted_with_its_run_status_and_time(running: Running, lines: Lines) -> None:
    running.client.post("/api/v1/batches", content=encode(batch(0, {"x": line(0, 7)})), headers={"X-Request-ID": "one"})

    (said,) = lines.of("one")
    assert (said["text"], said["level"], said["run"]) == ("answered", "info", "r")
    assert (said["method"], said["route"], said["status"]) == ("POST", "/api/v1/batches", 200)
    assert 0 < float(str(said["duration_s"])) < 20


def test_a_question_is_noted_by_its_route_and_run(running: Running, lines: Lines) -> None:
    running.post(batch(0, {"x": line(0, 7)}))

    running.client.get("/api/v1/runs/r/series?metrics=x", headers={"X-Request-ID": "two"})
    running.client.get("/api/v1/runs/nobody/series?metrics=x", headers={"X-Request-ID": "three"})

    assert [lines.of("two")[-1][name] for name in ("route", "run", "status")] == ["/api/v1/runs/{run}/series", "r", 200]
    assert [lines.of("three")[-1][name] for name in ("run", "status", "reason")] == ["nobody", 404, "Unknown"]


def test_secrets_bodies_and_values_of_queries_are_never_noted(running: Running, lines: Lines) -> None:
    secret = "hunter2"
    carried = {"Authorization": f"Bearer {secret}", "Cookie": f"session={secret}", "X-Other": secret}
    asks = [
        ("GET", f"/api/v1/runs?project={secret}", b""),
        ("GET", f"/api/v1/runs/r/series?metrics={secret}&since=x{secret}", b""),
        ("GET", f"/api/v1/live?run={secret}&since={secret}", b""),
        ("GET", f"/nothing/{secret}?token={secret}", b""),
        ("GET", f"/api/nothing/{secret}", b""),
        ("POST", f"/api/v1/batches?key={secret}", f'{{"run": "{secret}"'.encode()),
        ("POST", "/api/v1/batches", encode(batch(0, {secret: line(0, 1)}))),
    ]
    for i, (method, path, body) in enumerate(asks):
        headers = {**carried, "X-Request-ID": f"ask{i}", "Accept": "application/json"}
        running.client.request(method, path, content=body, headers=headers)
        running.client.request(method, path, content=body, headers={**headers, "Host": f"{secret}.example"})

    for i in range(len(asks)):
        assert len(lines.of(f"ask{i}")) >= 1
    assert secret not in lines.text
    assert secret not in running.client.get("/metrics").text


def test_what_is_refused_before_any_route_is_noted_and_counted_with_the_reason(running: Running, lines: Lines) -> None:
    headers = {"Host": "evil.example", "X-Request-ID": "four"}

    answer = running.client.get("/api/v1/runs", headers=headers)

    (said,) = lines.of("four")
    assert answer.headers["x-request-id"] == "four"
    assert (said["status"], said["reason"], said["route"]) == (403, "Foreign", "none")
    assert 'ergoscope_refusals_total{reason="Foreign",route="none"} 1.0' in running.client.get("/metrics").text


def test_what_nobody_caught_is_500_with_the_name_under_which_the_log_has_more(
    running: Running, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(running.service.store, "listed", fail)

    answer = running.client.get("/api/v1/runs/r/metrics", headers={"X-Request-ID": "five"})

    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "five")
    assert answer.json() == {
        "error": "Internal",
        "detail": "something went wrong here; the service's log has more under request five",
    }
    wait_for(lambda: "RuntimeError: odd" in lines.text)
    noted = lines.of("five")
    assert [said["level"] for said in noted] == ["warning", "error"]
    assert "RuntimeError: odd" in str(noted[1]["error"])


def test_a_sender_that_hangs_up_in_mid_body_is_noted_as_not_answered(running: Running, lines: Lines) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        running.client.post("/api/v1/batches", content=broken(), headers={"X-Request-ID": "six"})

    (said,) = lines.of("six")
    assert (said["text"], said["route"], "status" in said) == ("not answered", "/api/v1/batches", False)
    assert "Traceback" not in lines.text


def test_reads_are_timed_by_route_and_streams_are_not(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 7)}))
    for _ in range(3):
        running.client.get("/api/v1/runs/r/series?metrics=x")
    with running.client.stream("GET", "/api/v1/live?run=r&metrics=x") as stream:
        next(stream.iter_text())

    def counted() -> str:
        return running.client.get("/metrics").text

    asked = 'ergoscope_request_seconds_count{method="GET",route="/api/v1/runs/{run}/series"} 3.0'
    wait_for(lambda: 'ergoscope_requests_total{method="GET",route="/api/v1/live",status="200"} 1.0' in counted())
    text = counted()
    assert asked in text
    assert 'ergoscope_request_seconds_count{method="POST",route="/api/v1/batches"} 1.0' in text
    assert 'route="/api/v1/live"}' not in text


def test_what_somebody_makes_up_is_no_label(running: Running) -> None:
    for i in range(3):
        running.client.request(f"MADEUP{i}", f"/made/up/{i}", headers={"X-Request-ID": f"up{i}"})

    text = running.client.get("/metrics").text

    assert "MADEUP" not in text
    assert "made/up" not in text
    assert 'method="other"' in text


def test_the_page_is_one_route(tmp_path: Path, lines: Lines) -> None:
    with serving(Settings(data_dir=tmp_path)) as running:
        httpx.get(f"{running.url}/runs/fox-7", headers={"X-Request-ID": "seven"})

        assert lines.of("seven")[-1]["route"] == "page"
