"""Deleting runs and setting them aside, over HTTP."""

from pathlib import Path

import httpx
import pytest

from ergoscope_contract.codec import encode
from ergoscope_contract.records import Run
from ergoscope_server.api import live, removal
from tests.backend.api.conftest import Running, wait_for
from tests.backend.api.events import messages
from tests.backend.api.roles import guarding
from tests.backend.store.batches import batch, line


def _ids(running: Running, query: str = "") -> list[str]:
    return [run["id"] for run in running.client.get(f"/api/v1/runs{query}").json()["runs"]]


def test_a_deleted_run_is_gone_everywhere_and_no_late_batch_brings_it_back(running: Running) -> None:
    for run in ("r", "kept"):
        running.post(batch(0, {"x": line(0, 5)}, run=run, about=Run(run, "p", run, 1.0)))

    gone = running.client.delete("/api/v1/runs/r")
    late = running.client.post("/api/v1/batches", content=encode(batch(1, {"x": line(5, 5)})))

    assert gone.status_code == 204
    assert late.status_code == 410
    assert late.json() == {
        "error": "Deleted",
        "detail": "run 'r' was deleted, and nothing more of it is taken; drop the batch, or send what is to be kept "
        "under the id of a new run",
    }
    assert _ids(running) == ["kept"]
    for path in ("", "/series?metrics=x", "/metrics", "/events", "/verdict", "/export"):
        assert running.client.get(f"/api/v1/runs/r{path}").status_code == 404
    assert running.client.delete("/api/v1/runs/r").status_code == 204
    assert running.client.delete("/api/v1/runs/nobody").status_code == 404
    outcome = running.service.gauges.registry.get_sample_value("ergoscope_batches_total", {"outcome": "deleted"})
    assert outcome == 1.0


def test_live_readers_are_told_also_after_a_silence_of_the_bus(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 5)}))
    running.post(batch(0, {"x": line(0, 5)}, run="other"))

    with running.client.stream("GET", "/api/v1/live", params={"run": "r"}) as stream:
        told = messages(stream)
        next(told)
        running.service.bus.publish("r", "deleted")  # as when notices were lost: nothing is deleted
        running.client.delete("/api/v1/runs/other")
        running.client.delete("/api/v1/runs/r")
        found = next(message for message in told if message.event == "deleted")

    assert found.data == {"run": "r"}


def test_who_sees_one_project_is_told_before_the_stream_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ASK_S", 0.0)  # asked before each message whether the reader may go on
    with guarding(tmp_path) as guarded:
        guarded.send(0, "admin", run="other")

        url, asked = f"{guarded.running.url}/api/v1/live", {"run": ["r", "other"]}
        with httpx.stream("GET", url, params=asked, headers=guarded.headers["read here"], timeout=20) as stream:
            told = messages(stream)
            next(told)
            guarded.ask("admin", "/api/v1/runs/other", "DELETE")
            found = list(told)
        after = guarded.ask("read here", "/api/v1/live?run=r&run=other", Accept="application/json")

    assert (found[-1].event, found[-1].data) == ("deleted", {"run": "other"})
    assert after.status_code == 404


def test_readers_of_all_runs_are_told(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 5)}))

    with running.client.stream("GET", "/api/v1/live") as stream:
        told = messages(stream)
        wait_for(lambda: running.service.bus.readers == 1)
        running.client.delete("/api/v1/runs/r")
        found = next(message for message in told if message.event == "deleted")

    assert found.data == {"run": "r"}


def test_what_cannot_be_deleted_within_a_request_housekeeping_deletes(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "CLEAR_WITHIN_S", 0.0)
    monkeypatch.setattr("ergoscope_server.store.removal.PIECE", 1)
    monkeypatch.setattr("ergoscope_server.work.chores.CLEAR_EVERY_S", 0.1)
    running.post(batch(0, {"x": line(0, 5), "y": line(0, 5)}))
    running.service.store.fold("r")

    answer = running.client.delete("/api/v1/runs/r")

    assert answer.status_code == 202
    assert _ids(running) == []
    wait_for(lambda: running.service.store.upkeep.uncleared() == [])


def test_a_run_is_set_aside_and_taken_back(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 5)}))

    assert running.client.put("/api/v1/runs/r/archive").status_code == 204
    assert (_ids(running), _ids(running, "?archived=true")) == ([], ["r"])
    assert running.client.get("/api/v1/runs/r").json()["archived"] is True
    assert running.client.delete("/api/v1/runs/r/archive").status_code == 204
    assert (_ids(running), _ids(running, "?archived=true")) == (["r"], [])
    assert running.client.put("/api/v1/runs/nobody/archive").status_code == 404
