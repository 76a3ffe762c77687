"""The words: which headline for which situation, and that numbers are phrases of their own."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import Phrase
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.balance import Balance
from ergoscope_server.indicators.edge import Sharpness
from ergoscope_server.indicators.few import Few
from ergoscope_server.indicators.level import Level
from ergoscope_server.indicators.plateau import weigh
from ergoscope_server.indicators.schedule import Change
from ergoscope_server.indicators.sentence import Situation, evidence, headline
from ergoscope_server.indicators.true_gradient import TrueGradient
from tests.reference.ar1 import ar1, settling

FLAT = weigh(1 + 0.05 * ar1(0.3, 4000, seed=1), seed=0)
STILL = weigh(settling(6000, level=0.3, height=2.0, time=200.0), seed=0)
STEEP = weigh(settling(400, level=0.4, height=1.9, time=50.0), seed=0)
FALLS = weigh(settling(2000, level=0.4, height=1.9, time=600.0) + 0.02 * ar1(0.3, 2000, seed=1), seed=0)
SHORT = Assessment(300, 300, 400)
FOUND = Assessment(4000, FLAT.n, FLAT.need, 1, 1, 101, FLAT, grad=Level(0.3124, 0.023, 900.0))
PLATEAU = Situation("PLATEAU", "", 101, FOUND)
UNDECIDED = Situation("UNDECIDED", "short", None, SHORT)


def _text(situation: Situation) -> str:
    return "".join(phrase.text for phrase in evidence(situation))


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        (replace(PLATEAU, state="WARMUP"), "The learning rate is still warming up."),
        (replace(PLATEAU, state="DESCENDING"), "The loss is still falling."),
        (PLATEAU, "The loss has settled; the minibatch gradient has not vanished."),
        (replace(PLATEAU, found=replace(FOUND, grad=None)), "The loss has settled."),
        (replace(PLATEAU, state="STATIONARY-POINT"), "The loss has settled and the gradient has all but vanished."),
        (
            replace(PLATEAU, state="PLATEAU-INVARIANT"),
            "The loss has settled, in equilibrium and not at a stationary point.",
        ),
        (replace(PLATEAU, state="DRIFTING"), "The loss is level, but the weights are still on their way."),
        (
            replace(PLATEAU, found=replace(FOUND, true=TrueGradient(Few(0.0, 0.1, 9.0, 20), None, 1.0))),
            "The loss has settled; whether the gradient has vanished cannot be told.",
        ),
        (
            replace(PLATEAU, found=replace(FOUND, balance=Balance(0.03, 0.01, 900))),
            "The loss is level, but steps still gain more than curvature takes back.",
        ),
        (replace(UNDECIDED, found=None), "Nothing to judge yet: no loss has been logged."),
        (UNDECIDED, "Too early to judge."),
        (replace(UNDECIDED, cause="warmup", reset=501), "Too early to judge: the warm-up ended at step 501."),
        (replace(UNDECIDED, cause="resume", reset=501), "Too early to judge: the run was resumed at step 501."),
        (replace(UNDECIDED, why="rising"), "The loss is rising."),
        (replace(UNDECIDED, why="flat"), "The loss looks flat; it is too early to call it settled."),
        (replace(UNDECIDED, why="mixed"), "The loss neither falls clearly nor has it settled."),
        (replace(UNDECIDED, why="flat", found=FOUND), "The loss looks settled; one more look will tell."),
    ],
)
def test_the_headline_of_each_situation(situation: Situation, text: str) -> None:
    assert headline(situation) == text


def test_numbers_are_phrases_that_name_their_definition() -> None:
    named = {phrase.reading: phrase.text for phrase in evidence(PLATEAU) if phrase.reading}

    assert named["stabilization_onset"] == "101"
    assert named["grad_norm_level"] == "31.2 ± 2.3 %"
    assert set(named) == {"loss_mean_ci", "stabilization_onset", "ess", "loss_slope", "grad_norm_level"}


def test_a_change_of_the_rate_says_from_what_to_what() -> None:
    changed = replace(UNDECIDED, cause="lr", reset=601, change=Change(601, 0.1, 0.01))

    assert evidence(changed) == [
        Phrase("It went from 0.1 to 0.01. Not enough steps since (300 of 400).", "loss_mean_ci")
    ]


def test_what_is_logged_every_tenth_step_lacks_readings_and_spans_ten_times_as_many_steps() -> None:
    rare = replace(UNDECIDED, found=replace(SHORT, stride=10))
    flat = replace(UNDECIDED, why="mixed", found=replace(FOUND, stride=10, evidence=replace(FLAT, geweke=3.0)))

    assert _text(rare) == "Not enough readings yet (300 of 400)."
    assert f" over {10 * FLAT.n:,} steps: " in _text(flat)


def test_a_warm_up_says_where_the_rate_is_when_it_is_logged() -> None:
    warming = replace(PLATEAU, state="WARMUP", found=None)

    assert _text(replace(warming, lr=0.05)) == "It is at 0.05 now. Levels and trends are judged once it stops rising."
    assert _text(warming) == "Levels and trends are judged once it stops rising."


def test_a_loss_without_noise_is_told_without_an_error() -> None:
    found = Assessment(6000, STILL.n, STILL.need, 1, 4001, 4001, STILL)

    assert _text(Situation("PLATEAU", "", 4001, found)).startswith("Loss 0.3 since step 4,001, within 0.5 %.")


def test_a_steep_fall_has_no_number() -> None:
    found = Assessment(400, STEEP.n, STEEP.need, 1, 1, 1, STEEP)

    assert _text(Situation("DESCENDING", "", 1, found)) == "It falls clearly, but not along a line."


def test_a_descent_that_levels_off_says_that_its_direction_is_lost() -> None:
    assert "which no longer tells a direction" in _text(replace(PLATEAU, state="DESCENDING"))


def test_tests_that_disagree_are_named() -> None:
    torn = replace(FOUND, evidence=replace(FLAT, geweke=3.0))

    assert "the first tenth of the window has another mean than its last half" in _text(
        Situation("UNDECIDED", "mixed", None, torn)
    )


def test_one_agreement_asks_for_a_second() -> None:
    assert "All tests agree; they must do so twice." in _text(Situation("UNDECIDED", "flat", None, FOUND))


@pytest.mark.parametrize(("drift", "text"), [(-0.18, "fell by 18 %"), (0.5, "rose by 50 %")])
def test_a_drifting_rate_is_mentioned(drift: float, text: str) -> None:
    assert _text(replace(PLATEAU, found=replace(FOUND, drift=drift))).endswith(
        f"The learning rate {text} over these steps."
    )
    assert "learning rate" not in _text(replace(PLATEAU, found=replace(FOUND, drift=0.04)))


def test_a_zero_mean_has_no_percentage() -> None:
    odd = weigh(0.05 * ar1(0.3, 4000, seed=1) * np.ones(4000), seed=0)
    assert odd.equivalence is not None
    found = Assessment(4000, odd.n, odd.need, 1, 1, 1, replace(odd, equivalence=replace(odd.equivalence, allowed=0.0)))

    assert "%" not in _text(Situation("UNDECIDED", "flat", None, found))


@pytest.mark.parametrize(
    ("ratio", "edge", "text"),
    [
        (0.9812, True, "The sharpness is at 0.981 of what the optimizer holds: the edge of stability."),
        (0.3, False, "The sharpness is at 0.3 of what the optimizer holds."),
        (1.41, False, "The sharpness is at 1.41 of what the optimizer holds, which does not last."),
    ],
)
def test_the_sharpness_is_told_where_it_is_known(ratio: float, edge: bool, text: str) -> None:
    situation = replace(PLATEAU, sharpness=Sharpness(ratio, ratio, ratio, 1, 3900), edge=edge)

    assert _text(situation).endswith(f". {text}")
    assert "sharpness_ratio" in {phrase.reading for phrase in evidence(situation)}


def test_the_sharpness_is_told_before_the_loss_can_be_judged() -> None:
    situation = replace(UNDECIDED, sharpness=Sharpness(1.0, 1.0, 1.0, 1, 300), edge=True)

    assert _text(situation) == (
        "Not enough steps yet (300 of 400). The sharpness is at 1 of what the optimizer holds: the edge of stability."
    )
