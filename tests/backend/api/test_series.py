"""Series over REST."""

import gzip
import json

import numpy as np
import pytest

from ergoscope_contract.columns import pack_block
from ergoscope_contract.records import Batch
from tests.backend.api.conftest import Running
from tests.backend.store.batches import batch, line

SERIES = "/api/v1/runs/r/series"


def test_points_come_at_full_resolution_unless_buckets_are_fewer(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 100)}))

    full = running.client.get(SERIES, params={"metrics": "x"}).json()
    few = running.client.get(SERIES, params={"metrics": "x", "buckets": 100}).json()
    cut = running.client.get(SERIES, params={"metrics": "x", "buckets": 10}).json()

    assert full == few
    assert full["series"][0]["steps"] == list(range(100))
    assert "steps" not in cut["series"][0]
    assert cut["series"][0]["points"] == 100
    assert cut["series"][0]["buckets"]["first"] == list(range(0, 100, 10))
    assert cut["series"][0]["buckets"]["mean"] == [4.5 + 10 * i for i in range(10)]


def test_names_are_asked_for_in_either_parameter_and_by_pattern_each_once(running: Running) -> None:
    names = ["loss", "grad_norm/a", "grad_norm/b", "lr"]
    running.post(batch(0, {name: line(0, 1) for name in names}))

    answer = running.client.get(
        SERIES, params=[("metrics", "grad_norm/*"), ("metric", "loss"), ("metrics", "loss"), ("metrics", "none")]
    ).json()

    assert [s["metric"] for s in answer["series"]] == ["grad_norm/a", "grad_norm/b", "loss", "none"]
    assert answer["series"][3] == {"metric": "none", "rank": 0, "points": 0, "steps": [], "values": []}


def test_a_range_a_rank_and_a_cursor_narrow_the_answer(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 10)}))
    running.post(batch(0, {"x": line(100, 5)}, rank=1))
    running.post(batch(1, {"x": line(10, 10)}))

    def steps(**asked: int) -> list[list[int]]:
        found = running.client.get(SERIES, params={"metrics": "x", **asked}).json()["series"]
        return [series["steps"] for series in found]

    assert steps(first=3, last=5) == [[3, 4, 5]]
    assert steps(rank=1) == [[100, 101, 102, 103, 104]]
    assert steps(rank=-1, last=100) == [list(range(20)), [100]]
    assert steps(since=2) == [list(range(10, 20))]
    assert steps(since=3) == [[]] or steps(since=3) == []


def test_several_runs_answer_in_one_request(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 1)}, run="a"))
    running.post(batch(0, {"x": line(5, 1)}, run="b"))

    answer = running.client.get(
        "/api/v1/series", params=[("runs", "b"), ("runs", "a"), ("runs", "b"), ("metrics", "x")]
    ).json()

    assert [(one["run"], one["series"][0]["steps"]) for one in answer["runs"]] == [("b", [5]), ("a", [0])]


def test_series_of_a_run_are_listed_as_they_were_sent_with_their_last_point(running: Running) -> None:
    running.post(batch(0, {"b": ([1, 2], [1.0, float("nan")]), "a": line(0, 3)}))

    listed = running.client.get("/api/v1/runs/r/metrics").json()["metrics"]

    assert listed == [
        {"key": "b", "rank": 0, "points": 2, "last_step": 2, "last_value": "NaN"},
        {"key": "a", "rank": 0, "points": 3, "last_step": 2, "last_value": 2.0},
    ]

    running.service.store.fold("r")

    assert running.client.get("/api/v1/runs/r/metrics").json()["metrics"] == listed


def test_a_spike_among_many_is_in_the_chart_and_long_answers_are_compressed(running: Running) -> None:
    values = np.zeros(200_000, "f4")
    values[123_457], values[777], values[778] = 1e6, np.nan, np.inf
    for seq in range(4):
        part = values[seq * 50_000 : (seq + 1) * 50_000].tolist()
        block = pack_block([0], range(seq * 50_000, (seq + 1) * 50_000), part, dtype="f4")
        running.post(Batch(1, "r", 1, 0, seq, ["x"], [block]))
    running.service.store.fold("r")

    asked, takes = {"metrics": "x", "buckets": 300}, {"Accept-Encoding": "gzip"}
    with running.client.stream("GET", SERIES, params=asked, headers=takes) as response:
        raw = b"".join(response.iter_raw())

    assert response.headers["content-encoding"] == "gzip"
    buckets = json.loads(gzip.decompress(raw))["series"][0]["buckets"]
    assert len(buckets["high"]) == 300
    assert max(buckets["high"]) == 1_000_000
    assert sum(buckets["nonfinite"]) == 2


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("buckets=0", "query.buckets is '0': Input should be greater than or equal to 1"),
        ("buckets=100000", "query.buckets is '100000': Input should be less than or equal to 20000"),
        ("first=x", "query.first is 'x': Input should be a valid integer"),
        ("last=9223372036854775808", "query.last is '9223372036854775808': Input should be less than or equal"),
        ("since=-1", "query.since is '-1'"),
        ("rank=-2", "query.rank is '-2'"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_with_what_may_be(running: Running, query: str, text: str) -> None:
    answer = running.client.get(f"{SERIES}?metrics=x&{query}")

    assert (answer.status_code, answer.json()["error"]) == (422, "Parameter")
    assert text in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/nobody/series?metrics=x",
        "/api/v1/series?runs=nobody&metrics=x",
        "/api/v1/runs/nobody/metrics",
        "/api/v1/runs/nobody/events",
        "/api/v1/runs/nobody/histograms?key=k",
        "/api/v1/runs/nobody/verdict",
        "/api/v1/runs/nobody",
    ],
)
def test_an_unknown_run_is_404_everywhere(running: Running, path: str) -> None:
    answer = running.client.get(path)

    assert answer.status_code == 404
    assert answer.json() == {
        "error": "Unknown",
        "detail": "there is no run 'nobody'; GET /api/v1/runs has those there are",
    }
