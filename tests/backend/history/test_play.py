"""Whole stories: the states a made-up run goes through, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import Verdict
from ergoscope_server.history.chronicle import Chronicle, pack, unpack, verdict
from ergoscope_server.history.play import play
from ergoscope_server.history.whole import verdict_of
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.points import Points, points
from tests.reference.ar1 import SEEDS, ar1, settling
from tests.reference.trainings import Training, cosine, staged, warmed


def _states(found: Verdict) -> list[str]:
    return [spell.state for spell in found.spells]


def _gapless(found: Verdict) -> bool:
    return all(a.last + 1 == b.first for a, b in zip(found.spells, found.spells[1:], strict=False))


def _data(training: Training) -> RunData:
    steps = np.arange(1, len(training.loss) + 1)
    loss, grad = points(steps, training.loss), points(steps, training.grad)
    return RunData(loss, grad, points(steps, training.lr), loss, grad)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_schedule_descends_settles_descends_and_settles_again(seed: int) -> None:
    found = staged(seed=seed).verdict()

    assert _states(found) == ["DESCENDING", "PLATEAU", "DESCENDING", "PLATEAU"]
    assert _gapless(found)
    assert (found.spells[0].first, found.spells[1].last, found.spells[-1].last) == (1, 6000, 12_000)
    assert [(mark.step, mark.text) for mark in found.marks if mark.kind == "lr"] == [(6001, "lr 0.1 → 0.01")]
    assert found.since == found.spells[-1].first


@pytest.mark.parametrize(
    ("step", "state", "sentence"),
    [
        (300, "UNDECIDED", "Too early to judge. Not enough steps yet (300 of 400)."),
        (
            1500,
            "DESCENDING",
            "The loss is still falling. It falls by 0.173 ± 0.023 per 1,000 steps, over the last 750. The gradient "
            "norm of a minibatch is at 31.4 ± 4.4 % of its start; it includes sampling noise.",
        ),
        (
            5500,
            "PLATEAU",
            "The loss has settled; the minibatch gradient has not vanished. Loss 0.4007 ± 0.0022 since step 1,518 "
            "(2,039 independent readings). Any trend left is below 1.2 % per 1,000 steps. The gradient norm of a "
            "minibatch stays at 29.4 ± 4.1 % of its start; it includes sampling noise.",
        ),
        (
            6200,
            "UNDECIDED",
            "Too early to judge: the learning rate changed at step 6,001. It went from 0.1 to 0.01. Not enough steps "
            "since (200 of 400).",
        ),
        (
            6600,
            "DESCENDING",
            "The loss is still falling. It falls by 0.122 ± 0.069 per 1,000 steps, over the last 400. The gradient "
            "norm of a minibatch is at 22.5 ± 3.1 % of its start; it includes sampling noise.",
        ),
    ],
)
def test_what_is_said_along_the_way(step: int, state: str, sentence: str) -> None:
    found = staged(seed=1).until(step).verdict()

    assert (found.state, found.sentence) == (state, sentence)
    assert found.sentence == f"{found.headline} {''.join(phrase.text for phrase in found.evidence)}"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_warm_up_comes_first_and_nothing_is_judged_while_it_lasts(seed: int) -> None:
    run = warmed(staged(seed=seed), steps=400)

    early, late = run.until(200).verdict(), run.until(2000).verdict()

    assert (early.state, _states(early)) == ("WARMUP", ["WARMUP"])
    assert early.sentence == (
        "The learning rate is still warming up. It is at 0.05 now. Levels and trends are judged once it stops rising."
    )
    assert all(r.absent for r in early.readings)
    assert _states(late) == ["WARMUP", "DESCENDING"]
    assert [(m.step, m.kind) for m in late.marks] == [(401, "warmup")]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cosine_is_no_jump_but_is_mentioned(seed: int) -> None:
    found = cosine(seed=seed).verdict()

    assert found.marks == []
    assert found.headline == "The loss is still falling."
    assert found.sentence.endswith("The learning rate fell by 100 % over these steps.")


def test_a_nan_is_a_flag_from_its_first_step_on() -> None:
    run = staged(seed=1).until(3000)
    run = replace(run, loss=np.where(np.arange(3000) < 2000, run.loss, np.nan))

    found = run.verdict()

    assert found.flags == ["NONFINITE"]
    assert found.sentence == "Loss became NaN at step 2,001."
    assert [(s.state, s.first) for s in found.spells] == [("DESCENDING", 1), ("NONFINITE", 2001)]
    assert [(m.step, m.kind, m.text) for m in found.marks] == [(2001, "alert", "not a number")]


def test_a_single_nan_is_forgiven_after_a_hundred_finite_steps() -> None:
    run = staged(seed=1).until(3000)
    run.loss[2000] = np.nan

    found = run.verdict()

    assert found.flags == []
    assert _states(found) == ["DESCENDING", "NONFINITE", "DESCENDING"]
    assert _gapless(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_runs_away_is_a_flag(seed: int) -> None:
    run = staged(seed=seed).until(3000)
    growth = np.where(np.arange(3000) < 2000, 1.0, np.exp((np.arange(3000) - 2000) / 100))

    found = replace(run, loss=run.loss * growth).verdict()

    assert found.flags == ["DIVERGING"]
    assert found.headline == "The loss is diverging."
    assert _states(found) == ["DESCENDING", "DIVERGING"]
    assert 2000 < found.spells[-1].first <= 2200  # e-fold 100: the limit is passed within two of them


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gradient_that_vanishes_makes_a_stationary_point(seed: int) -> None:
    run = staged(seed=seed).until(5500)
    grad = settling(5500, level=0.02, height=1.0, time=200.0) * np.exp(0.2 * ar1(0.3, 5500, seed=9))

    found = replace(run, grad=grad).verdict()

    assert found.state == "STATIONARY-POINT"
    assert found.headline == "The loss has settled and the gradient has all but vanished."


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rising_loss_is_said_to_rise(seed: int) -> None:
    steps = np.arange(5000)

    found = verdict_of(steps, 0.4 + 2e-5 * steps + 0.02 * ar1(0.3, 5000, seed=seed))

    assert (found.state, found.headline) == ("UNDECIDED", "The loss is rising.")


def test_strong_noise_is_honestly_undecided() -> None:
    found = verdict_of(np.arange(5000), 0.4 + 0.5 * ar1(0.9, 5000, seed=1))

    assert found.sentence == (
        "The loss looks flat; it is too early to call it settled. Mean 0.385 ± 0.061 over 4,825 steps: a trend of up "
        "to 14 % per 1,000 steps cannot be excluded yet (4,825 of about 37,000 steps)."
    )


def test_a_run_without_a_loss_says_so() -> None:
    steps = np.arange(500)

    found = verdict_of([], [], grad_steps=steps, grad_norm=np.ones(500))

    assert found.sentence == "Nothing to judge yet: no loss has been logged."
    assert {r.id: r.absent for r in found.readings}["iat"] == "no loss has been logged"
    assert verdict_of([], []).headline == "Nothing to judge yet: no loss has been logged."


def test_a_run_without_gradients_settles_all_the_same() -> None:
    run = staged(seed=1).until(5500)

    found = verdict_of(np.arange(1, 5501), run.loss)

    assert found.headline == "The loss has settled."
    assert {r.id: r.absent for r in found.readings}["grad_norm_level"] == "no gradient norm has been logged"


def test_steps_logged_every_ten_are_counted_in_steps() -> None:
    run = staged(seed=1, drop=6000)

    found = verdict_of(10 * np.arange(1, 5501), run.loss[:5500])

    assert found.state == "PLATEAU"
    assert found.since is not None
    assert 10_000 < found.since < 20_000
    assert found.since % 10 == 0


def test_it_hardly_matters_in_which_pieces_the_points_arrive() -> None:
    data = _data(staged(seed=2).until(9000))

    def told(piece: int) -> Verdict:
        chronicle = Chronicle()
        for end in range(piece, 9000 + piece, piece):
            chronicle = play(unpack(pack(chronicle)), data.upto(end), run="run", now=0.0).chronicle
        return verdict(chronicle, run="run", newest=9000)

    assert told(137) == told(1000)


def test_a_run_that_arrives_all_at_once_is_judged_too() -> None:
    data = _data(staged(seed=2, drop=20_000, n=40_000))

    found = verdict(play(Chronicle(), data, run="run", now=0.0, final=True).chronicle, run="run", newest=40_000)

    assert _states(found) == ["DESCENDING", "PLATEAU", "DESCENDING", "PLATEAU"]


def test_a_final_look_judges_the_last_steps_and_a_second_one_changes_nothing() -> None:
    data = _data(staged(seed=1).until(5490))

    once = play(Chronicle(), data, run="run", now=0.0, final=True).chronicle
    twice = play(once, data, run="run", now=0.0, final=True).chronicle

    assert (once.step, once.judged) == (5490, 5490)
    assert twice == once


def test_a_run_that_resumes_earlier_lives_that_part_again() -> None:
    data = _data(staged(seed=1).until(5500))
    chronicle = play(Chronicle(), data, run="run", now=0.0).chronicle

    resumed = play(chronicle, data.upto(3000), run="run", now=0.0).chronicle

    assert resumed.spells[-1].last <= 3000
    assert (resumed.standing.state, resumed.cause) == ("UNDECIDED", "resume")


def test_a_resume_that_an_event_tells_begins_a_new_stretch_there() -> None:
    data = replace(_data(staged(seed=1).until(5500)), resets=((4000, "resume"),))

    chronicle = play(Chronicle(), data, run="run", now=0.0).chronicle

    assert chronicle.reset == 4000
    assert [(m.step, m.kind) for m in chronicle.marks if m.kind != "notice"] == [(4000, "resume")]


def test_layers_are_asked_for_only_when_a_value_is_not_finite() -> None:
    asked: list[int] = []

    def layers() -> dict[str, Points]:
        asked.append(1)
        bad = np.ones(3000)
        bad[1998:] = np.nan
        return {"fc.weight": points(np.arange(1, 3001), np.ones(3000)), "conv1.weight": points(np.arange(1, 3001), bad)}

    run = staged(seed=1).until(3000)
    play(Chronicle(), replace(_data(run), layers=layers), run="run", now=0.0)
    before = list(asked)
    run.loss[1999:] = np.nan
    played = play(Chronicle(), replace(_data(run), layers=layers), run="run", now=0.0)

    assert before == []
    assert [alert.text for alert in played.alerts] == [
        "Loss became NaN at step 2,000. The first gradient that was not finite: conv1.weight, at step 1,999."
    ]
    assert verdict(played.chronicle, run="run", newest=3000).headline == "Loss became NaN at step 2,000."


def test_a_run_at_the_edge_is_flagged_from_the_first_reading_there_and_says_so() -> None:
    data = _data(staged(seed=1).until(5500))
    steps = np.arange(100, 5501, 100)
    sharp = points(steps, np.where(steps < 2000, 0.5, 0.98))

    played = play(Chronicle(), replace(data, sharpness=sharp), run="r", now=0.0, final=True).chronicle
    found = verdict(played, run="r", newest=5500)

    assert found.flags == ["EDGE"]
    assert _states(found)[-1] == "EDGE"
    assert found.spells[-1].first == 2000
    assert _gapless(found)
    assert found.sentence.endswith("The sharpness is at 0.98 of what the optimizer holds: the edge of stability.")
    assert found.readings[-1].value == 0.98
    assert unpack(pack(played)) == played


def test_a_rate_that_falls_takes_the_run_from_the_edge() -> None:
    data = _data(staged(seed=1).until(6600))
    steps = np.arange(100, 6601, 100)
    sharp = points(steps, np.where(steps < 6001, 0.98, 0.1))

    played = play(Chronicle(), replace(data, sharpness=sharp), run="r", now=0.0, final=True).chronicle
    found = verdict(played, run="r", newest=6600)

    assert found.flags == []
    assert _states(found)[-1] == "DESCENDING"
    assert [s.last for s in found.spells if s.state == "EDGE"] == [6000]
    assert found.readings[-1].value == 0.1
