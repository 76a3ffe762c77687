"""The runs list: newest first, with status, verdict and silence."""

from ergoscope_contract.answers import Alert, Spell, Verdict
from ergoscope_contract.records import Ending, Run
from ergoscope_server.store.quiet import QUIET_S
from ergoscope_server.store.store import Store
from ergoscope_server.store.watching import Judged
from tests.backend.store.batches import arrival, batch, line

NOW = 1_790_000_000.0


def _store_at(store: Store, now: float) -> Store:
    return Store(store.database.url.render_as_string(hide_password=False), clock=lambda: now)


def _begin(store: Store, run: str, created: float, project: str = "p", ended: Ending | None = None) -> None:
    about = Run(run, project, run, created)
    store.accept([arrival(batch(0, {}, run=run, about=about, ended=ended), received=created)])


def test_runs_are_listed_newest_first_and_chosen_by_project_and_status(store: Store) -> None:
    _begin(store, "a", NOW - 100)
    _begin(store, "b", NOW - 1, project="q")
    _begin(store, "c", NOW - 50, ended=Ending("finished", NOW))
    now = _store_at(store, NOW)

    assert [s.id for s in now.summaries()] == ["b", "c", "a"]
    assert [s.id for s in now.summaries(limit=2)] == ["b", "c"]
    assert [s.id for s in now.summaries(project="p")] == ["c", "a"]
    assert [s.id for s in now.summaries(status="silent")] == ["a"]
    assert [s.id for s in now.summaries(status="running")] == ["b"]
    assert [s.id for s in now.summaries(status="finished")] == ["c"]
    assert now.live_runs() == ["a", "b"]
    now.close()


def test_ended_runs_are_unjudged_until_a_verdict_has_seen_their_last_batch(store: Store) -> None:
    _begin(store, "live", NOW)
    for name in ("none", "early", "judged"):
        store.accept([arrival(batch(0, {"loss": line(0, 10)}, run=name))])
        store.accept([arrival(batch(1, {}, run=name, ended=Ending("finished", NOW)))])
    store.save_verdict(Judged(Verdict("early", 9), upto=1))
    store.save_verdict(Judged(Verdict("judged", 9), upto=2))

    assert store.unjudged_runs() == ["early", "none"]


def test_a_run_is_silent_after_ten_seconds_or_four_of_its_usual_gaps(store: Store) -> None:
    _begin(store, "quick", NOW)
    _begin(store, "slow", NOW - 30)
    store.accept([arrival(batch(1, {}, run="slow"), received=NOW)])  # half a minute after the first

    def status(run: str, after: float) -> str:
        later = _store_at(store, NOW + after)
        summary = later.summary(run)
        later.close()
        assert summary is not None
        return summary.status

    assert (status("quick", QUIET_S - 0.1), status("quick", QUIET_S + 0.1)) == ("running", "silent")
    assert (status("slow", 4 * 30 - 0.1), status("slow", 4 * 30 + 0.1)) == ("running", "silent")


def test_the_verdict_is_in_the_summary(store: Store) -> None:
    _begin(store, "a", NOW)
    judged = Verdict("a", 7, "PLATEAU", ["EDGE"], headline="Flat.", spells=[Spell("PLATEAU", 0, 7)])
    store.save_verdict(Judged(Verdict("a", 1), b"old"))

    store.save_verdict(Judged(judged, b"\x00memory", version=1))

    summary = store.summary("a")
    assert summary is not None
    assert (summary.state, summary.flags, summary.headline, summary.spells) == (
        "PLATEAU",
        ["EDGE"],
        "Flat.",
        [Spell("PLATEAU", 0, 7)],
    )
    assert store.verdict("a") == Judged(judged, b"\x00memory", version=2)
    assert store.verdict("b") is None


def test_alerts_are_kept_by_id_and_listed_newest_first(store: Store) -> None:
    def alert(number: int, state: str, run: str = "a") -> Alert:
        return Alert(str(number), "nonfinite", run, "crit", state, "t", 1, 2, NOW + number)  # type: ignore[arg-type]  # by literal below

    store.save_alert(alert(1, "firing"))
    store.save_alert(alert(2, "firing"))
    store.save_alert(alert(3, "firing", run="b"))
    store.save_alert(alert(1, "resolved"))

    assert [a.id for a in store.alerts()] == ["3", "2", "1"]
    assert [a.id for a in store.alerts(run="a", state="firing")] == ["2"]
    assert store.alerts(state="resolved") == [alert(1, "resolved")]


def test_listed_series_have_the_newest_attempts_last_point(store: Store) -> None:
    store.accept([arrival(batch(0, {"x": line(0, 100), "y": line(0, 3)}, attempt=1))])
    store.fold("r")
    store.accept([arrival(batch(0, {"x": ([50, 60, 60], [1.0, 2.0, 3.0])}, attempt=2, rank=0))])
    store.accept([arrival(batch(0, {"x": line(0, 2)}, attempt=2, rank=1))])

    listed = [(one.key, one.rank, one.points, one.last_step, one.last_value) for one in store.listed("r")]

    assert listed == [("x", 0, 103, 60, 3.0), ("x", 1, 2, 1, 1.0), ("y", 0, 3, 2, 2.0)]
    assert store.keys("r") == ["x", "y"]
    assert store.keys("nobody") == []
