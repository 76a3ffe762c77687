"""A run that was forked from another, over HTTP: what is said of it, and who sees what of its parent."""

from pathlib import Path

import httpx
import pytest

from ergoscope_contract.codec import encode
from ergoscope_contract.records import Fork, Run
from tests.backend.api.conftest import Running
from tests.backend.api.roles import OURS, THEIRS, Guarded, guarding
from tests.backend.store.batches import batch, line


def _body(run: str, project: str, start: int, fork: Fork | None = None) -> bytes:
    about = Run(run, project, run, 1_790_000_000.0, fork=fork)
    return encode(batch(0, {"x": line(start, 3)}, run=run, about=about))


def _steps(answer: httpx.Response) -> list[int]:
    steps: list[int] = answer.json()["series"][0]["steps"]
    return steps


def test_a_fork_is_told_with_its_run_and_its_series_with_what_it_inherits(running: Running) -> None:
    running.client.post("/api/v1/batches", content=_body("p", "mine", 0))
    running.client.post("/api/v1/batches", content=_body("f", "mine", 2, Fork("p", 1)))

    def ask(path: str, **asked: str) -> httpx.Response:
        return running.client.get(f"/api/v1/{path}", params={"metrics": "x", **asked})

    assert running.client.get("/api/v1/runs/f").json()["fork"] == {"run": "p", "step": 1}
    assert "fork" not in running.client.get("/api/v1/runs/p").json()
    assert ask("runs/f/series").json() == {
        "run": "f",
        "cursor": 1,
        "inherited": [{"run": "p", "last": 1}],
        "series": [
            {"metric": "x", "rank": 0, "points": 5, "steps": [0, 1, 2, 3, 4], "values": [0.0, 1.0, 2.0, 3.0, 4.0]}
        ],
    }
    assert _steps(ask("runs/f/series", own="true")) == [2, 3, 4]
    assert "inherited" not in ask("runs/p/series").json()
    running.post(batch(1, {"old": line(0, 3)}, run="p"))
    own = {"key": "x", "rank": 0, "points": 3, "last_step": 4, "last_value": 4.0}
    inherited = {"key": "old", "rank": 0, "points": 0, "inherited": "p"}
    assert running.client.get("/api/v1/runs/f/metrics").json()["metrics"] == [own, inherited]
    assert running.client.get("/api/v1/runs/f/metrics?own=true").json()["metrics"] == [own]
    together = running.client.get("/api/v1/series", params={"metrics": "x", "runs": ["p", "f"]}).json()["runs"]
    assert [one["series"][0]["steps"] for one in together] == [[0, 1, 2], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("fork", "reason"),
    [
        (Fork("a b", 1), "the run id is 'a b'; allowed:"),
        (Fork("f", 1), "run 'f' is said to be forked from itself; name the run that it goes on from"),
        (Fork("p", 2**62 + 1), "step 4611686018427387905 is outside ±2^62; steps count from the start of the training"),
    ],
)
def test_a_fork_that_cannot_be_is_refused_alone(running: Running, fork: Fork, reason: str) -> None:
    answer = running.client.post("/api/v1/batches", content=_body("f", "mine", 2, fork))

    assert answer.status_code == 422
    assert [one["where"] for one in answer.json()["refused"]] == ["about.fork"]
    assert answer.json()["refused"][0]["reason"].startswith(reason)
    said = running.client.get("/api/v1/runs/f").json()
    assert (said["project"], "fork" in said) == ("mine", False)


def test_to_fork_a_run_shows_nothing_of_it_to_who_may_not_read_it(tmp_path: Path) -> None:
    def steps(guarded: Guarded, role: str) -> tuple[list[int], int]:
        answer = guarded.ask(role, "/api/v1/runs/f/series?metrics=x")
        both = guarded.ask(role, "/api/v1/series?runs=f&metrics=x").json()["runs"][0]
        assert both["series"][0]["steps"] == _steps(answer)
        return _steps(answer), len(answer.json()["inherited"])

    with guarding(tmp_path) as guarded:
        post = guarded.running.client.post
        post("/api/v1/batches", content=_body("theirs", THEIRS, 0), headers=guarded.headers["write elsewhere"])
        post("/api/v1/batches", content=_body("f", OURS, 3, Fork("theirs", 2)), headers=guarded.headers["write here"])

        seen = {role: steps(guarded, role) for role in ("read here", "admin here", "read", "admin")}
        made = guarded.ask("write here", "/api/v1/runs/f/shares", "POST").json()["path"]
        with httpx.Client(base_url=guarded.running.url) as visitor:
            visitor.get(made)
            linked = visitor.get("/api/v1/runs/f/series?metrics=x")

    own, whole = ([3, 4, 5], 0), ([0, 1, 2, 3, 4, 5], 1)
    assert seen == {"read here": own, "admin here": own, "read": whole, "admin": whole}
    assert _steps(linked) == [3, 4, 5]
