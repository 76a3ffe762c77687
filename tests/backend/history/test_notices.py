"""Notices of whole stories: one a plateau, none for flicker, and how seldom they come where nothing is."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import Alert
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.history.play import play
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.points import NOTHING, FloatArray, Points, points
from ergoscope_server.indicators.recipe import Recipe
from tests.reference.ar1 import SEEDS, ar1, settling
from tests.reference.trainings import staged

EVERY = 250  # steps between two looks


def _lived(data: RunData, *, chronicle: Chronicle | None = None) -> tuple[Chronicle, list[Alert]]:
    """Play a run as it comes, and collect every alert as it stood after each look, the same ones left out."""
    lived, told, seen = chronicle or Chronicle(), [], dict[str, Alert]()
    last = data.newest or 0
    for end in (*range(max(0, lived.step) + EVERY, last, EVERY), last):
        played = play(lived, data.upto(end), run="r", now=float(end))
        told += [alert for alert in played.alerts if seen.get(alert.id) != alert]
        seen |= {alert.id: alert for alert in played.alerts}
        lived = played.chronicle
    return lived, told


def _data(loss: FloatArray, lr: FloatArray | float = 0.1, **measured: Points) -> RunData:
    steps = np.arange(1, len(loss) + 1)
    losses, rates = points(steps, loss), points(steps, np.broadcast_to(lr, loss.shape))

    def asked(key: str) -> Points:
        return measured.get(key, NOTHING)

    return RunData(losses, lr=rates, loss_head=losses, measured=asked, recipe=Recipe("SGD"))


def _beginnings(told: list[Alert]) -> list[tuple[str, int | None]]:
    """The rule and first step of each alert, once each."""
    return list(dict.fromkeys((alert.rule, alert.first_step) for alert in told))


def _level(seed: int, n: int, *, phi: float = 0.3, noise: float = 0.02) -> FloatArray:
    return settling(n, level=0.4, height=1.6, time=200.0) + noise * ar1(phi, n, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_schedule_has_one_notice_for_each_of_its_two_plateaus(seed: int) -> None:
    run = staged(seed=seed)
    lived, told = _lived(_data(run.loss, run.lr))
    plateaus = [spell for spell in lived.spells if spell.state == "PLATEAU"]

    notices = _beginnings(told)

    assert [rule for rule, _ in notices] == ["plateau", "plateau"]
    assert [step for _, step in notices] == [mark.step for mark in lived.marks if mark.kind == "notice"]
    for (_, onset), spell in zip(notices, plateaus, strict=True):
        assert onset is not None
        assert abs(onset - spell.first) < 500
    # The first is over when the learning rate falls, the second stands at the end.
    ends = {alert.first_step: alert.state for alert in told}
    assert list(ends.values()) == ["resolved", "firing"]


def test_nothing_is_told_while_a_plateau_lasts() -> None:
    _, told = _lived(_data(_level(1, 12_000)))

    assert len(told) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_settling_as_something_else_is_no_new_notice_but_says_so(seed: int) -> None:
    """The gradient without noise is read often enough only late, so a plateau becomes an equilibrium."""
    steps = np.arange(25, 8000, 50)
    square = np.where(steps < 400, 1.0, 0.09) + 0.02 * np.random.default_rng(seed).normal(size=len(steps))
    kept = (steps < 400) | (steps > 5000)

    lived, told = _lived(_data(_level(seed, 8000), grad_sq_norm_debiased=points(steps[kept], square[kept])))

    assert len(_beginnings(told)) == 1
    assert [spell.state for spell in lived.spells] == ["DESCENDING", "PLATEAU-INVARIANT"]
    assert told[0].text.endswith("would tell whether there is more to gain.")
    assert told[-1].text.endswith("a lower one may let it fall again.")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_resume_begins_a_plateau_of_its_own(seed: int) -> None:
    lived, told = _lived(replace(_data(_level(seed, 9000)), resets=((5000, "resume"),)))

    notices = _beginnings(told)

    assert [rule for rule, _ in notices] == ["plateau", "plateau"]
    assert notices[1][1] is not None
    assert notices[1][1] >= 5000
    assert lived.firing("plateau") is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_goes_back_ends_what_was_told_of_steps_that_are_no_more(seed: int) -> None:
    data = _data(_level(seed, 6000))
    lived, _ = _lived(data)

    _, again = _lived(data, chronicle=play(lived, data.upto(2500), run="r", now=9.0).chronicle)

    assert (lived.firing("plateau"), again[0].state) == (lived.firing("plateau"), "resolved")
    assert [alert.state for alert in again] == ["resolved", "firing"]
    assert again[1].first_step is not None
    assert again[1].first_step >= 2500


@pytest.mark.parametrize("seed", SEEDS)
def test_data_that_change_under_a_settled_loss_are_a_warning_until_that_is_past(seed: int) -> None:
    """A jump by 12 % of the level: it passes for memory, so that the verdict's own tests cannot speak for a while."""
    n = 18_000
    loss = _level(seed, n) + np.where(np.arange(n) > 6000, 0.05, 0.0)

    _, told = _lived(_data(loss))

    broken = [alert for alert in told if alert.rule == "invariance_broken"]
    assert len(_beginnings(broken)) == 1
    assert (broken[0].severity, broken[0].state, broken[-1].state) == ("warn", "firing", "resolved")
    assert broken[0].first_step is not None
    assert 6000 < broken[0].first_step < 7000
    assert "the loss has changed, from 0.4" in broken[0].text


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [0.05, -0.05, -0.2])
def test_a_loss_that_takes_another_level_settles_again_since_then(seed: int, change: float) -> None:
    """No learning rate changes, and the jump passes for memory as long as it lies in the window."""
    n = 14_000
    loss = _level(seed, n) + change * np.clip((np.arange(1, n + 1) - 6000) / 200, 0, 1)

    lived, told = _lived(_data(loss))

    notices = [alert for alert in told if alert.rule == "plateau" and alert.state == "firing"]
    assert len(notices) == 2
    assert [mark.step for mark in lived.marks if mark.kind == "level"] == [lived.reset]
    assert 5900 < lived.reset < 6250
    assert lived.standing.state == "PLATEAU"
    assert lived.standing.since is not None
    assert lived.reset <= lived.standing.since < 7000
    assert {alert.state for alert in told if alert.rule == "invariance_broken"} == {"firing", "resolved"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spread_that_changes_is_told_though_the_level_stays(seed: int) -> None:
    n = 12_000
    noise = 0.02 * ar1(0.3, n, seed=seed) * np.where(np.arange(n) > 6000, 2.0, 1.0)

    _, told = _lived(_data(settling(n, level=0.4, height=1.6, time=200.0) + noise))

    broken = [alert for alert in told if alert.rule == "invariance_broken"]
    assert broken
    assert "changed, in its spread" in broken[0].text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_learning_rate_on_the_move_explains_what_changed(seed: int) -> None:
    """The same change of spread, while the rate goes down by a third from step 5,000 on."""
    n = 12_000
    noise = 0.02 * ar1(0.3, n, seed=seed) * np.where(np.arange(n) > 6000, 2.0, 1.0)
    lr = 0.1 * (1 - 0.33 * np.clip((np.arange(n) - 5000) / 7000, 0, 1))

    _, told = _lived(_data(settling(n, level=0.4, height=1.6, time=200.0) + noise, lr))

    assert "invariance_broken" not in [rule for rule, _ in _beginnings(told)]


@pytest.mark.parametrize(("balance", "slow"), [(0.1, True), (1.0, False)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_level_loss_that_falls_slowly_is_told_as_slow(seed: int, balance: float, *, slow: bool) -> None:
    """It falls by .2 % in 1,000 steps, which the tests let pass, and steps gain ten times what curvature takes."""
    n, steps = 9000, np.arange(2000, 9000, 200)
    loss = settling(n, level=0.4, height=1.6, time=100.0) - 8e-7 * np.arange(n) + 0.006 * ar1(0.3, n, seed=seed)
    known = {
        "descent_balance": points(steps, np.full(len(steps), balance)),
        "descent_balance_error": points(steps, np.full(len(steps), 0.04)),
    }

    _, told = _lived(_data(loss, **known))

    assert ("false_convergence" in [alert.rule for alert in told]) is slow


@pytest.mark.parametrize("phi", [0.3, 0.9])
@pytest.mark.parametrize("seed", SEEDS)
def test_where_nothing_happens_there_is_one_notice_and_no_warning(seed: int, phi: float) -> None:
    n, steps = 40_000, np.arange(2000, 40_000, 200)
    known = {
        "descent_balance": points(steps, np.full(len(steps), 0.1)),
        "descent_balance_error": points(steps, np.full(len(steps), 0.04)),
    }

    _, told = _lived(_data(_level(seed, n, phi=phi), **known))

    assert [rule for rule, _ in _beginnings(told)] == ["plateau"]


def test_a_loss_that_is_no_number_ends_the_notice_and_its_return_is_no_second_one() -> None:
    loss = _level(1, 8000)
    loss[5000:5005] = np.nan

    _, told = _lived(_data(loss))

    of_plateau = [alert.state for alert in told if alert.rule == "plateau"]
    assert of_plateau == ["firing", "resolved"]
