"""The watch: what it makes of a run, saves and tells; by a clock that the test turns."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from ergoscope_contract.answers import Alert, RunSummary, Status
from ergoscope_contract.records import Event
from ergoscope_server.alerts.notify import message
from ergoscope_server.history.chronicle import unpack
from ergoscope_server.store.watching import Judged
from ergoscope_server.watch import Watch
from tests.backend.memory_store import ListBus, MemoryStore
from tests.reference.trainings import staged

RUN = staged(seed=1)


class Bell:
    """Keeps the alerts it is told of."""

    def __init__(self) -> None:
        self.told: list[Alert] = []

    def send(self, alert: Alert) -> None:
        self.told.append(alert)


class Scene:
    """A store with one run that grows, and a watch with a clock."""

    def __init__(self) -> None:
        self.store, self.bell, self.now = MemoryStore(), Bell(), 1000.0
        self.bus: ListBus | None = None
        self.loss = RUN.loss.copy()
        self.watch = self.again()

    def again(self, *, mine: Callable[[str], bool] = lambda _: True) -> Watch:
        """A new watch on the same store, as after a restart or in another process."""
        self.bus = ListBus()
        return Watch(self.store, self.bus, self.bell, mine=mine, clock=lambda: self.now, every_s=0.0, tick_s=0.01)

    def grow(self, step: int, *, status: Status = "running", run: str = "r") -> None:
        """Let the run have come to a step."""
        steps = np.arange(1, step + 1)
        for key, values in (("loss", self.loss), ("grad_norm", RUN.grad), ("lr", RUN.lr)):
            self.store.put(run, key, steps, values[:step])
        self.store.put(run, "wall", steps, 1000.0 + 0.01 * steps)
        before = self.store.summaries.get(run)
        if before is None or before.last_step != step:
            self.store.stepped[run] = self.now
        self.store.summaries[run] = RunSummary(
            run, "p", "n", status, 0.0, last_seen=self.now, last_step=step, cursor=step
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_run_is_judged_and_its_verdict_saved(scene: Scene) -> None:
    scene.grow(5500)

    outcome = scene.watch.evaluate("r")

    assert outcome is not None
    saved = scene.store.verdicts["r"]
    assert saved.verdict == outcome.verdict
    assert (saved.verdict.run, saved.verdict.step, saved.verdict.state) == ("r", 5500, "PLATEAU")
    assert unpack(saved.memory).step == saved.upto == 5500


def test_nothing_new_is_not_evaluated_again(scene: Scene) -> None:
    scene.grow(1000)

    assert scene.watch.evaluate("r") is not None
    assert scene.watch.evaluate("r") is None
    assert scene.watch.evaluate("stranger") is None


def test_a_restarted_watch_goes_on_where_the_last_one_was(scene: Scene) -> None:
    whole = Scene()
    for step in (2000, 5500, 9000):
        scene.grow(step)
        scene.again().evaluate("r")
        whole.grow(step)
        whole.watch.evaluate("r")

    assert scene.store.verdicts["r"] == whole.store.verdicts["r"]


def test_a_nan_fires_one_alert_is_told_once_and_resolves(scene: Scene) -> None:
    scene.loss[2000:2010] = np.nan
    for step in (1990, 2005, 2012, 2050, 2400):
        scene.grow(step)
        scene.watch.evaluate("r")

    [alert] = scene.store.fired.values()
    assert (alert.id, alert.state, alert.text) == ("r-nonfinite-2001", "resolved", "Loss became NaN at step 2,001.")
    assert [a.state for a in scene.bell.told] == ["firing", "resolved"]
    assert [m.kind for m in scene.store.verdicts["r"].verdict.marks] == ["alert"]


def test_alerts_met_again_after_the_memory_was_lost_are_not_told_again(scene: Scene) -> None:
    scene.loss[2000:] = np.nan
    scene.grow(2400)
    scene.watch.evaluate("r")
    scene.store.verdicts.clear()

    scene.again().evaluate("r")

    assert len(scene.bell.told) == 1
    assert len(scene.store.fired) == 1


def test_silence_fires_after_half_a_minute_and_resolves_with_the_next_step(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")

    scene.now += 29
    early = scene.watch.evaluate("r")
    scene.now += 2
    late = scene.watch.evaluate("r")
    scene.grow(1001)
    scene.watch.evaluate("r")

    assert early is None
    assert late is not None
    assert [(a.state, a.text) for a in scene.bell.told] == [
        ("firing", "No step for more than 30 s while the job is running; the last was 1,000."),
        ("resolved", "No step for more than 30 s while the job is running; the last was 1,000."),
    ]


def test_a_process_that_reports_but_does_not_step_is_said_to_stand_still(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")

    scene.now += 31
    scene.store.summaries["r"] = replace(scene.store.summaries["r"], last_seen=scene.now)
    scene.watch.evaluate("r")

    assert scene.bell.told[0].text.endswith("Its process still reports, so the job itself stands still.")


def test_silence_is_told_once_while_it_lasts(scene: Scene) -> None:
    scene.grow(1000)
    for _ in range(5):
        scene.watch.evaluate("r")
        scene.now += 40

    assert len(scene.bell.told) == 1


def test_a_restart_of_the_watch_is_no_silence_of_the_run(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")

    scene.now += 3600
    scene.store.whole = scene.now
    scene.again().evaluate("r")

    assert scene.bell.told == []


def test_while_the_service_is_not_whole_nothing_is_said_of_silence(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")
    scene.now += 40
    scene.watch.evaluate("r")
    scene.store.whole = None
    scene.now += 40
    scene.again().evaluate("r")

    assert [a.state for a in scene.bell.told] == ["firing"]


def test_a_run_that_moves_to_another_process_is_told_of_by_one_of_them(scene: Scene) -> None:
    other = scene.again()
    scene.loss[2000:] = np.nan
    for i, step in enumerate((1000, 1990, 2005, 2400)):
        scene.grow(step)
        (scene.watch, other)[i % 2].evaluate("r")
    for seconds in (20, 20, 200):
        scene.now += seconds
        scene.watch.evaluate("r")
        other.evaluate("r")
    scene.grow(2401)
    other.evaluate("r")
    scene.watch.evaluate("r")

    whole = Scene()
    whole.loss[2000:] = np.nan
    for step in (1000, 1990, 2005, 2400):
        whole.grow(step)
        whole.watch.evaluate("r")
    assert [(a.rule, a.state) for a in scene.bell.told] == [
        ("nonfinite", "firing"),
        ("no_data", "firing"),
        ("no_data", "resolved"),
    ]
    assert scene.store.verdicts["r"].verdict.spells[:-1] == whole.store.verdicts["r"].verdict.spells[:-1]


def test_of_two_that_judge_at_once_one_saves_and_tells_and_the_other_looks_again(scene: Scene) -> None:
    scene.loss[2000:] = np.nan
    scene.grow(2400)
    other = scene.again()
    save, outcomes = scene.store.save_verdict, list[object]()

    def late(judged: Judged, events: Sequence[Event], alerts: Sequence[Alert]) -> bool:
        scene.store.save_verdict = save  # type: ignore[method-assign]  # the other one comes in between
        outcomes.append(other.evaluate("r"))
        return save(judged, events, alerts)

    scene.store.save_verdict = late  # type: ignore[method-assign]  # once
    outcomes.append(scene.watch.evaluate("r"))
    again = scene.watch.evaluate("r")

    assert outcomes[0] is not None
    assert outcomes[1] is None
    assert again is None
    assert [a.state for a in scene.bell.told] == ["firing"]
    assert scene.store.verdicts["r"].version == 1


def test_a_run_that_has_ended_owes_no_data_and_its_silence_resolves(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")
    scene.now += 40
    scene.watch.evaluate("r")
    scene.grow(1000, status="crashed")
    scene.watch.evaluate("r")
    scene.now += 400
    scene.watch.evaluate("r")

    assert [a.state for a in scene.bell.told] == ["firing", "resolved"]


def test_a_run_without_a_step_has_not_begun_and_is_not_silent(scene: Scene) -> None:
    scene.store.summaries["r"] = RunSummary("r", "p", "n", "running", 0.0, 0.0)
    scene.watch.evaluate("r")
    scene.now += 400
    scene.watch.evaluate("r")

    assert scene.bell.told == []
    assert scene.store.verdicts["r"].verdict.headline == "Nothing to judge yet: no loss has been logged."


def test_an_ended_run_is_judged_at_its_last_step(scene: Scene) -> None:
    scene.grow(1013, status="finished")

    outcome = scene.watch.evaluate("r")

    assert outcome is not None
    assert {r.step for r in outcome.verdict.readings if r.step is not None} == {1013}


def test_a_settled_loss_is_told_once_and_its_end_with_the_run_is_no_news(scene: Scene) -> None:
    for step in range(500, 5501, 500):
        scene.grow(step)
        scene.watch.evaluate("r")
    during = list(scene.bell.told)
    scene.grow(5750, status="finished")
    outcome = scene.watch.evaluate("r")

    assert [(alert.rule, alert.severity, alert.state) for alert in during] == [("plateau", "info", "firing")]
    assert scene.bell.told == during
    assert outcome is not None
    assert [(alert.id, alert.state) for alert in outcome.alerts] == [(during[0].id, "resolved")]


def test_a_plateau_that_came_and_went_between_two_looks_is_told_without_calling_it_resolved(scene: Scene) -> None:
    scene.grow(8000)  # it settled, and its learning rate fell at step 6,001

    scene.watch.evaluate("r")

    [alert] = scene.bell.told
    assert (alert.rule, alert.state) == ("plateau", "resolved")
    assert message(alert, page="")["text"] == alert.text
