"""What the three cards say of a verdict."""

import pytest

from ergoscope_contract.answers import Alert, Flag, Reading, State, Verdict
from ergoscope_ui.panels import stability, stabilization, stationarity

MEAN = Reading(id="loss_mean_ci", value=0.39421, low=0.39208, high=0.39634, n=58, step=18_240, how="batch means, 95 %")
LEVEL = Reading(id="grad_norm_level", value=0.31, low=0.29, high=0.33, step=18_240)
ONSET = Reading(id="stabilization_onset", value=15_100, step=18_240)
SETTLED = Verdict(run="r", step=18_240, state="PLATEAU", readings=[MEAN, LEVEL, ONSET])


def _alert(**more: object) -> Alert:
    kept = {"id": "a", "rule": "divergence", "run": "r", "severity": "crit", "state": "firing", "text": "It rises."}
    return Alert(**{**kept, "first_step": 1, "last_step": 2, "started": 0.0, **more})  # type: ignore[arg-type]  # a test's own fields


def test_a_settled_run_is_answered_with_numbers_and_errors() -> None:
    gradient, loss = stationarity.answer(SETTLED), stabilization.answer(SETTLED)

    assert (gradient.word, gradient.figure) == ("Cannot be told", "gradient norm 0.310 ± 0.020 of its start")
    assert (loss.word, loss.figure) == ("Yes, since 15,100", "0.3942 ± 0.0021")
    assert "3,140 steps are worth 58 independent ones" in loss.reading
    assert "batch means, 95 %" in loss.reading


def test_an_equilibrium_is_answered_with_the_gradient_without_noise() -> None:
    true = Reading(id="grad_debiased_level", value=0.31, low=0.27, high=0.35, step=18_240)
    said = stationarity.answer(Verdict(run="r", step=9, state="PLATEAU-INVARIANT", readings=[LEVEL, true]))
    unsure = Reading(id="grad_debiased_level", value=0.0, low=0.0, high=0.19, step=18_240)
    open_ = stationarity.answer(Verdict(run="r", step=9, state="PLATEAU", readings=[LEVEL, unsure]))

    assert (said.word, said.figure) == ("No", "without noise 0.310 ± 0.040 of its start")
    assert said.key == "grad_debiased_level"
    assert "it has levelled off" in said.reading
    assert open_.figure == "without noise at most 0.19 of its start"
    assert open_.reading.endswith("cannot be told yet whether it has vanished.")


def test_a_level_loss_whose_weights_drift_has_settled_alone() -> None:
    drifting = Verdict(run="r", step=18_240, state="DRIFTING", readings=[MEAN, ONSET])

    assert stabilization.answer(drifting).word == "Yes, since 15,100; not the weights"
    assert stationarity.answer(drifting).word == "No, the weights drift"
    assert stabilization.answer(drifting).role == stationarity.answer(drifting).role == "drift"


def test_a_run_that_was_not_judged_says_why_there_is_no_number() -> None:
    nothing = Verdict(run="r", step=0)
    told = Verdict(run="r", step=9, readings=[Reading(id="loss_mean_ci", absent="12 of 400 steps are there")])

    assert stationarity.answer(nothing).figure == "absent, because nothing has been judged yet"
    assert stabilization.answer(told).figure == "absent, because 12 of 400 steps are there"


@pytest.mark.parametrize("state", State.__args__)  # type: ignore[attr-defined]  # a Literal's values
def test_every_state_has_an_answer_of_its_own(state: State) -> None:
    verdict = Verdict(run="r", step=9, state=state)

    assert stationarity.answer(verdict).word and stabilization.answer(verdict).word


@pytest.mark.parametrize("flag", ["DIVERGING", "NONFINITE"])
def test_a_loss_that_runs_away_has_not_settled_whatever_its_state(flag: Flag) -> None:
    verdict = Verdict(run="r", step=9, state="PLATEAU", flags=[flag])

    assert stabilization.answer(verdict).role == "diverge"
    assert stability.answer(verdict, []).role == "diverge"


def test_without_curvature_stability_is_absent_and_says_why() -> None:
    absent = Reading(id="sharpness_ratio", absent='curvature is not measured; watch(..., curvature="model") does')
    said = stability.answer(Verdict(run="r", step=9, readings=[absent]), [])

    assert (said.word, said.figure) == ("Not known", f"absent, because {absent.absent}")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("there is no threshold: Lion has none", "there is no threshold: Lion has none"),
        ("", "it has not been measured"),
    ],
)
def test_why_there_is_no_ratio_the_agent_knows_best(told: str, why: str) -> None:
    assert stability.answer(SETTLED, [], told=told).figure == f"absent, because {why}"


def test_the_words_speak_of_the_chart_that_is_drawn() -> None:
    assert "how far a step moves the weights" in stability.answer(SETTLED, []).reading
    assert "how far a step moves the weights" not in stability.answer(SETTLED, [], drawn=True).reading


def test_a_critical_alert_is_an_answer_without_curvature() -> None:
    assert stability.answer(SETTLED, [_alert()]).word == "No"
    assert "It rises." in stability.answer(SETTLED, [_alert()]).reading
    assert stability.answer(SETTLED, [_alert(severity="warn")]).word == "Doubtful"


def test_a_notice_says_nothing_of_stability() -> None:
    assert stability.answer(SETTLED, [_alert(severity="info")]) == stability.answer(SETTLED, [])


def test_with_curvature_the_ratio_is_the_answer() -> None:
    sharp = Reading(id="sharpness_ratio", value=1.02, low=1.0, high=1.04, step=9)

    calm = stability.answer(Verdict(run="r", step=9, readings=[sharp]), [])
    edge = stability.answer(Verdict(run="r", step=9, readings=[sharp], flags=["EDGE"]), [])

    assert (calm.word, calm.figure) == ("Yes", "1.02 (1 to 1.04) of the threshold")
    assert (edge.word, edge.role) == ("At the edge", "edge")


def test_one_reading_has_no_reach() -> None:
    one = Reading(id="sharpness_ratio", value=0.5, low=0.5, high=0.5, step=9)

    assert stability.answer(Verdict(run="r", step=9, readings=[one]), []).figure == "0.5 of the threshold"


def test_above_what_lasts_or_under_an_alert_nothing_is_called_stable() -> None:
    high = Verdict(run="r", step=9, readings=[Reading(id="sharpness_ratio", value=1.3, step=9)])
    fine = Verdict(run="r", step=9, readings=[Reading(id="sharpness_ratio", value=0.5, step=9)])

    assert stability.answer(high, []).word == "Doubtful"
    assert stability.answer(fine, [_alert(severity="warn")]).word == "Doubtful"
    assert stability.answer(fine, []).word == "Yes"
