"""The runs list, one run, its verdict, events, histograms and alerts."""

import pytest
from msgspec.structs import replace

from ergoscope_contract import catalogue
from ergoscope_contract.answers import Alert, Reading, Verdict
from ergoscope_contract.records import Ending, Event, Histogram, Run
from ergoscope_server.store.watching import Judged
from tests.backend.api.conftest import Running, wait_for
from tests.backend.store.batches import batch, line

NOW = 1_790_000_000.0


def test_a_run_is_listed_with_everything_that_is_known_of_it(running: Running) -> None:
    about = Run("r", "digits", "first", NOW, config={"lr": 0.1, "nested": {"a": [1, None]}}, tags=["t"])
    running.post(batch(0, {"loss": ([0, 1], [1.0, float("inf")])}, about=about))
    running.post(batch(1, {}, ended=Ending("failed", NOW, 1, "OutOfMemory")))

    wait_for(lambda: running.client.get("/api/v1/runs/r").json().get("flags") == ["NONFINITE"])  # it is judged
    listed = running.client.get("/api/v1/runs").json()["runs"]

    assert listed == [running.client.get("/api/v1/runs/r").json()]
    one = listed[0]
    assert (one["id"], one["project"], one["name"], one["created"]) == ("r", "digits", "first", NOW)
    assert (one["status"], one["reason"], one["last_step"], one["cursor"]) == ("failed", "OutOfMemory", 1, 2)
    assert one["config"] == {"lr": 0.1, "nested": {"a": [1, None]}}
    assert one["latest"] == {"loss": "Infinity"}


def test_runs_are_chosen_by_project_status_and_number(running: Running) -> None:
    for i in range(4):
        about = Run(f"r{i}", "even" if i % 2 == 0 else "odd", f"r{i}", NOW + i)
        running.post(batch(0, {}, run=f"r{i}", about=about))
    running.post(batch(1, {}, run="r0", ended=Ending("finished", NOW)))

    def ids(query: str) -> list[str]:
        return [run["id"] for run in running.client.get(f"/api/v1/runs?{query}").json()["runs"]]

    assert ids("") == ["r3", "r2", "r1", "r0"]
    assert ids("project=even") == ["r2", "r0"]
    assert ids("status=finished") == ["r0"]
    assert ids("limit=1") == ["r3"]
    refused = running.client.get("/api/v1/runs?status=happy")
    assert refused.status_code == 422
    assert "'running', 'silent', 'finished', 'failed' or 'crashed'" in refused.json()["detail"]


def test_events_and_histograms_come_back_as_sent(running: Running) -> None:
    histogram = Histogram("grad_hist/a", 3, -4, [1, 2], [0, 5], zeros=7)
    event = Event("lr_change", NOW, 3, "0.1 -> 0.01", {"before": 0.1, "odd": float("nan")})
    running.post(replace(batch(0, {}), histograms=[histogram], events=[event]))

    histograms = running.client.get("/api/v1/runs/r/histograms", params={"key": "grad_hist/a"}).json()
    events = running.client.get("/api/v1/runs/r/events").json()

    assert histograms == {
        "histograms": [{"key": "grad_hist/a", "step": 3, "low": -4, "positive": [1, 2], "negative": [0, 5], "zeros": 7}]
    }
    assert events["events"][0]["text"] == "0.1 -> 0.01"
    assert events["events"][0]["data"]["before"] == 0.1


def test_a_run_without_a_verdict_is_undecided(running: Running) -> None:
    running.post(batch(0, {}))

    assert running.client.get("/api/v1/runs/r/verdict").json()["run"] == "r"


def test_the_watch_judges_a_run_by_itself(running: Running) -> None:
    running.post(batch(0, {"loss": line(0, 50)}))

    with running.client.stream("GET", "/api/v1/live") as stream:  # the verdict is told of, or there already
        for text in stream.iter_lines():
            if text == "event: verdict" or running.service.store.verdict("r") is not None:
                break

    assert running.client.get("/api/v1/runs/r/verdict").json()["sentence"]


def test_numbers_of_a_verdict_that_json_cannot_say_are_spelled(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Verdict("r", 1, readings=[Reading("x", float("nan"), low=-float("inf"))])
    monkeypatch.setattr(running.service.store, "verdict", lambda run: Judged(judged))

    readings = running.client.get("/api/v1/runs/r/verdict").json()["readings"]

    assert readings == [{"id": "x", "value": "NaN", "low": "-Infinity"}]


def test_alerts_are_listed_by_run_and_state(running: Running) -> None:
    running.service.store.save_alert(Alert("1", "nonfinite", "r", "crit", "firing", "NaN at 3", 3, 3, NOW))
    running.service.store.save_alert(Alert("2", "no_data", "q", "warn", "resolved", "quiet", None, None, NOW, NOW))

    def ids(query: str) -> list[str]:
        return [alert["id"] for alert in running.client.get(f"/api/v1/alerts?{query}").json()["alerts"]]

    assert sorted(ids("")) == ["1", "2"]
    assert ids("run=r") == ["1"]
    assert ids("state=resolved") == ["2"]
    assert ids("run=r&state=resolved") == []


def test_the_catalogue_has_every_quantity(running: Running) -> None:
    listed = running.client.get("/api/v1/catalogue").json()["metrics"]

    assert [entry["id"] for entry in listed] == list(catalogue.ALL)
    assert all(entry["tooltip"] for entry in listed)


def test_long_texts_of_events_are_given_only_when_asked_for(running: Running) -> None:
    event = Event("code", NOW, None, "uncommitted: 1 file", {"diff": "+" * 10_000, "files": 1})
    running.post(replace(batch(0, {}), events=[event]))

    short = running.client.get("/api/v1/runs/r/events").json()["events"][0]["data"]
    whole = running.client.get("/api/v1/runs/r/events", params={"whole": True}).json()["events"][0]["data"]

    assert short == {"diff": "+" * 1_000 + "... (10,000 characters; ask with whole=true)", "files": 1}
    assert whole == event.data
