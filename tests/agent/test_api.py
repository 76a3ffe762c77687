"""Reading back, as numpy arrays."""

import numpy as np
import pytest

import ergoscope
from tests.agent.fake_server import Answer, FakeServer

RUN = {
    "id": "r1",
    "project": "p",
    "name": "n",
    "status": "running",
    "created": 1,
    "last_seen": 2,
    "latest": {"x": "NaN"},
}
TWIN = {**RUN, "id": "r2"}
SERIES = {
    "run": "r1",
    "cursor": 1,
    "series": [{"metric": "loss", "rank": 0, "points": 3, "steps": [0, 1, 2], "values": [1, "NaN", "-Infinity"]}],
}
VERDICT = {"run": "r1", "step": 5, "state": "PLATEAU", "readings": [{"id": "ess", "value": "Infinity"}]}
RANK = {"rank": 1, "attempt": 9, "status": "silent", "last_seen": 2.0, "last_step": 1204, "behind": 41, "host": "b"}
LANDSCAPE = {
    "step": 1204,
    "axes": ["steepest direction"],
    "scales": [0.5],
    "offsets": [[-1, 0, 1]],
    "values": [3, 1, "Infinity"],
    "running": [2, 1, 2],
    "mode": "batch statistics",
    "predicted": [2, 1, 2],
    "misfit": 0.084,
    "update": 0.1,
}
SLICE = {"id": "s1", "state": "done", "asked": 1.0, "request": None, "landscape": LANDSCAPE}
ALERT = {
    "id": "a",
    "rule": "nonfinite",
    "run": "r1",
    "severity": "crit",
    "state": "firing",
    "text": "NaN",
    "first_step": 1,
    "last_step": None,
    "started": 1.0,
}


@pytest.fixture
def api(server: FakeServer) -> ergoscope.Api:
    server.pages = {
        "/api/v1/runs": {"runs": [RUN]},
        "/api/v1/runs/r1": RUN,
        "/api/v1/runs/r1/series": SERIES,
        "/api/v1/runs/r1/verdict": VERDICT,
        "/api/v1/runs/r1/metrics": {"metrics": [{"key": "loss", "points": 3, "last_value": "NaN"}]},
        "/api/v1/runs/r1/ranks": {"ranks": [RANK]},
        "/api/v1/runs/r1/events": {"events": [{"kind": "note", "wall": 1.0}]},
        "/api/v1/alerts": {"alerts": [ALERT]},
    }
    return ergoscope.Api(server.url)


def test_series_are_arrays_with_what_is_not_finite(api: ergoscope.Api) -> None:
    points = api.run("r1").series("loss")

    assert points.steps.dtype == np.int64
    assert points.values.dtype == np.float64
    assert points.steps.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(points.values, [1.0, np.nan, -np.inf])
    assert len(points) == 3


def test_a_range_of_steps_is_asked_for(api: ergoscope.Api, server: FakeServer) -> None:
    api.run("r1").series("grad_norm/a b", first=3, last=9, rank=1)

    assert server.asked[-1] == "/api/v1/runs/r1/series?metrics=grad_norm%2Fa+b&rank=1&first=3&last=9"


def test_of_a_fork_its_own_part_is_asked_for(api: ergoscope.Api, server: FakeServer) -> None:
    api.run("r1").series("loss", own=True)

    assert server.asked[-1] == "/api/v1/runs/r1/series?metrics=loss&own=true"


def test_a_slice_is_asked_for_and_read_back(api: ergoscope.Api, server: FakeServer) -> None:
    server.pages["POST /api/v1/runs/r1/slices"] = {"id": "s2", "axes": "random"}
    server.pages["/api/v1/runs/r1/slices"] = {"slices": [SLICE]}

    asked = api.run("r1").slice(axes="random", points=11)
    found = api.run("r1").slices()

    assert (asked.id, asked.axes) == ("s2", "random")
    assert server.asked_for == [{"axes": "random", "dimensions": 1, "points": 11, "extent": None, "share": None}]
    assert server.asked[-1] == "/api/v1/runs/r1/slices?limit=20"
    assert found[0].landscape is not None
    assert found[0].landscape.values == [3, 1, float("inf")]


def test_a_question_for_a_slice_is_taken_back(api: ergoscope.Api, server: FakeServer) -> None:
    refused = {"error": "Answered", "detail": "slice 's 2' is answered already; there is nothing to withdraw"}
    server.pages["DELETE /api/v1/runs/r1/slices/s%202"] = Answer(409, refused)

    api.run("r1").withdraw_slice("s1")
    with pytest.raises(ergoscope.AnswerError, match="slice 's 2' is answered already; there is nothing to withdraw"):
        api.run("r1").withdraw_slice("s 2")

    assert server.deleted == ["/api/v1/runs/r1/slices/s1", "/api/v1/runs/r1/slices/s%202"]


def test_a_metric_that_is_not_there_has_no_points(api: ergoscope.Api, server: FakeServer) -> None:
    server.pages["/api/v1/runs/r1/series"] = {"run": "r1", "cursor": 1, "series": []}

    assert len(api.run("r1").series("loss")) == 0


def test_a_pattern_that_several_series_fit_is_refused(api: ergoscope.Api, server: FakeServer) -> None:
    line = SERIES["series"][0]  # type: ignore[index]  # a list
    server.pages["/api/v1/runs/r1/series"] = {"run": "r1", "cursor": 1, "series": [line, line]}

    with pytest.raises(
        ergoscope.AnswerError, match=r"'l\*' fits 2 series \(loss, loss, \.\.\.\); ask for one at a time"
    ):
        api.run("r1").series("l*")


def test_a_run_is_found_by_its_id_or_its_name(api: ergoscope.Api) -> None:
    assert api.run("r1").id == api.run("n").id == "r1"
    assert (api.run("n").name, api.run("n").status, repr(api.run("n"))) == ("n", "running", "<run r1 'n': running>")
    assert [run.id for run in api.runs()] == ["r1"]


def test_a_name_of_several_runs_is_refused_with_their_ids(api: ergoscope.Api, server: FakeServer) -> None:
    server.pages["/api/v1/runs"] = {"runs": [RUN, TWIN]}

    with pytest.raises(ergoscope.UnknownRunError, match="2 runs have the name 'n'; give an id: r1, r2"):
        api.run("n")


def test_a_run_that_is_not_there_is_refused(api: ergoscope.Api) -> None:
    with pytest.raises(ergoscope.UnknownRunError, match="no run has the id or name 'other'; `ergoscope runs` lists"):
        api.run("other")


def test_verdicts_alerts_metrics_and_events_are_records(api: ergoscope.Api, server: FakeServer) -> None:
    run = api.run("r1")

    assert run.verdict().readings[0].value == np.inf
    assert run.alerts()[0].rule == api.alerts(state="firing")[0].rule == "nonfinite"
    assert server.asked[-1] == "/api/v1/alerts?state=firing"
    assert run.metrics()[0].points == 3
    assert run.events()[0].kind == "note"
    assert [(rank.rank, rank.status, rank.behind) for rank in run.ranks()] == [(1, "silent", 41)]
    assert np.isnan(run.summary.latest["x"])
    api.close()


def test_where_nothing_answers_it_says_how_to_start_a_server() -> None:
    with pytest.raises(ergoscope.NoServerError, match=r"no server answers at http://127\.0\.0\.1:9 .*`ergoscope up`"):
        ergoscope.Api("http://127.0.0.1:9").runs()


def test_another_kind_of_server_is_told_apart(server: FakeServer) -> None:
    server.pages = {"/api/v1/runs": b"<html>", "/api/v1/runs/r1": {"id": "r1"}}

    with pytest.raises(ergoscope.AnswerError, match="the server's answer cannot be read"):
        ergoscope.Api(server.url).runs()
    with pytest.raises(ergoscope.AnswerError, match=r"missing required field .project.*of another version"):
        ergoscope.Api(server.url).run("r1")


def test_an_error_of_the_server_is_passed_on(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.agent import fake_server

    def fail(handler: fake_server._Handler) -> None:
        handler._send(500, {"error": "Storage", "detail": "the disk is full"}, {})

    monkeypatch.setattr(fake_server._Handler, "do_GET", fail)

    with pytest.raises(ergoscope.AnswerError, match="api/v1/runs answered 500; Storage: the disk is full"):
        ergoscope.Api(server.url).runs()


def test_the_environment_says_which_server_and_with_which_key(
    api: ergoscope.Api, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    monkeypatch.setenv("ERGOSCOPE_API_KEY", "k")

    ours = ergoscope.Api()

    assert ours.url == server.url
    assert [run.id for run in ours.runs()] == ["r1"]
