"""The watch and the ranks of a run: what it tells of those that fall silent or lag."""

from msgspec.structs import replace

from ergoscope_contract.answers import RankSummary
from tests.backend.test_watch import Scene


def _crew(scene: Scene, *, behind: int = 0, silent_for: float = 0.0) -> None:
    """Let the run be of two ranks, one of them behind, or silent for so long."""
    summary = scene.store.summaries["r"]
    scene.store.summaries["r"] = replace(summary, ranks=2)
    step = summary.last_step or 0
    scene.store.senders["r"] = [
        RankSummary(0, 1, "running", scene.now, step, 0),
        RankSummary(1, 1, "running", scene.now - silent_for, step - behind, behind),
    ]


def _look(scene: Scene, step: int, **crew: float) -> None:
    scene.grow(step)
    _crew(scene, **crew)  # type: ignore[arg-type]  # its fields
    scene.watch.evaluate("r")


def test_a_rank_that_falls_silent_and_comes_back_is_an_event_each_and_one_alert() -> None:
    scene = Scene()
    _look(scene, 1000)
    scene.now += 42
    _look(scene, 1500, silent_for=42.0, behind=500)
    _look(scene, 1510, silent_for=42.0, behind=510)
    _look(scene, 1520)

    assert [(e.kind, e.text) for e in scene.store.happened["r"]] == [
        ("rank", "rank 1 is silent since step 1,000, 42 s ago; 1 other goes on"),
        ("rank", "rank 1 is back at step 1,520"),
    ]
    assert [(a.rule, a.severity, a.state) for a in scene.bell.told] == [
        ("rank_silent", "warn", "firing"),
        ("rank_silent", "warn", "resolved"),
    ]
    assert scene.bell.told[0].text.startswith("Nothing from rank 1 for more than 30 s, while 1 other goes on.")


def test_a_rank_that_lags_by_the_runs_own_pace_is_in_the_verdict_and_an_event() -> None:
    scene = Scene()
    _look(scene, 5000, behind=900)  # nine seconds at 10 ms a step
    _look(scene, 5100, behind=1100)

    assert scene.store.verdicts["r"].verdict.lagging == [1]
    assert [e.text for e in scene.store.happened["r"]] == ["rank 1 lags by 1,100 steps, 11 s; 1 other goes on"]
    assert [alert for alert in scene.bell.told if alert.severity != "info"] == []


def test_a_restarted_watch_does_not_tell_of_a_rank_again() -> None:
    scene = Scene()
    _look(scene, 1000)
    scene.now += 42
    _look(scene, 1500, silent_for=42.0)
    scene.watch = scene.again()
    _look(scene, 1510, silent_for=42.0)

    assert len(scene.store.happened["r"]) == 1


def test_ranks_that_were_never_seen_are_nobodys_alarm() -> None:
    scene = Scene()
    _look(scene, 1000)
    for step in (1500, 2000):
        scene.now += 42
        scene.grow(step)
        _crew(scene)
        scene.store.senders["r"].append(RankSummary(2, 1, "never seen", 0.0, upto=7))
        scene.watch.evaluate("r")

    assert scene.store.happened.get("r", []) == []
    assert scene.bell.told == []


def test_an_ended_run_has_no_ranks_that_lag_or_alerts_of_them() -> None:
    scene = Scene()
    _look(scene, 1000)
    scene.now += 42
    _look(scene, 5000, silent_for=42.0, behind=4000)
    scene.grow(5000, status="finished")
    scene.watch.evaluate("r")

    assert scene.store.verdicts["r"].verdict.lagging == []
    assert scene.bell.told[-1].state == "resolved"
