"""Readings of gradient, noise and directions over a stretch: known answers, and what is said where there is none."""

from collections.abc import Mapping

import numpy as np
import pytest

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.points import NOTHING, Points, points
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.stationarity import STATIONARITY, stationarity_readings
from ergoscope_server.indicators.true_gradient import Peak, true_gradient
from tests.reference.ar1 import SEEDS

STEPS = 10 * np.arange(100)


def _noisy(level: float, spread: float, *, seed: int) -> Points:
    return points(STEPS, level + spread * np.random.default_rng(seed).normal(size=100))


def _found(
    series: Mapping[str, Points], *, peak: Peak | None = None, recipe: Recipe | None = None, rate: float | None = 0.1
) -> dict[str, Reading]:
    squares = series.get("grad_sq_norm_debiased", NOTHING)
    assessed = Assessment(1000, 1000, 400, true=true_gradient(squares.values, peak or Peak()))
    listed = stationarity_readings(assessed, lambda key: series.get(key, NOTHING), since=0, recipe=recipe, rate=rate)
    assert [reading.id for reading in listed] == list(STATIONARITY)
    return {reading.id: reading for reading in listed}


@pytest.mark.known_answer("kkt_residual")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("cos", "residual"), [(0.999549, 0.03003), (0.999997, 0.00245)])
def test_the_distance_from_the_max_margin_direction_follows_from_the_cosine(
    cos: float, residual: float, seed: int
) -> None:
    """Separable data after ten steps and after a million, read with a spread of a hundredth of what is left."""
    found = _found({"cos_w_neg_grad": _noisy(cos, 0.01 * (1 - cos), seed=seed)})["kkt_residual"]

    assert found.value == pytest.approx(residual, rel=4 * 0.005 / 100**0.5 + 1e-3)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high


def test_weights_that_point_uphill_are_as_far_as_can_be() -> None:
    assert _found({"cos_w_neg_grad": _noisy(-0.2, 0.01, seed=1)})["kkt_residual"].value == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_noise_and_their_ratio_are_told_with_intervals(seed: int) -> None:
    series = {
        "grad_sq_norm_debiased": _noisy(0.09, 0.0111, seed=seed),
        "noise_trace": _noisy(25.0, 0.43, seed=seed + 10),
    }

    found = _found(series, peak=Peak(start=[0.9, 0.91, 0.89, 0.9, 0.9], highest=0.9))

    for name, truth in (("gns_simple", 25 / 0.09), ("noise_trace", 25.0), ("grad_debiased_level", 0.1**0.5)):
        reading = found[name]
        assert reading.value is not None
        assert reading.low is not None
        assert reading.high is not None
        half = (reading.high - reading.low) / 2
        assert abs(reading.value - truth) < 2.2 * half  # the half-width is some two errors: 4 errors
        assert half < 0.1 * truth


def test_a_slope_that_may_be_zero_bounds_the_noise_scale() -> None:
    series = {"grad_sq_norm_debiased": _noisy(0.0, 0.0111, seed=3), "noise_trace": _noisy(25.0, 0.43, seed=4)}

    found = _found(series)["gns_simple"]

    assert found.value is None
    assert found.absent.startswith("the slope is not two standard errors above zero, so at least ")


def test_squares_below_zero_beyond_chance_give_no_level() -> None:
    below = _found({"grad_sq_norm_debiased": _noisy(-0.1, 0.01, seed=1), "noise_trace": _noisy(1, 0.1, seed=2)})
    unknown = _found({"grad_sq_norm_debiased": _noisy(0.1, 0.01, seed=1)})

    assert below["grad_debiased_level"].absent.startswith("its square lies below zero beyond chance")
    assert below["gns_simple"].absent == "the slope is not two standard errors above zero"
    assert unknown["grad_debiased_level"].absent == (
        "the first five readings, which it is held against, are not above zero"
    )


def test_curvature_is_implied_for_plain_sgd_alone() -> None:
    series = {"grad_change": _noisy(1.5, 0.01, seed=1), "grad_norm": _noisy(1.0, 0.01, seed=2)}

    plain = _found(series, recipe=Recipe("SGD"))["implied_curvature"]
    momentum = _found(series, recipe=Recipe("SGD", 0.9))["implied_curvature"]
    unknown = _found(series, recipe=Recipe("SGD"), rate=None)["implied_curvature"]

    assert plain.value == pytest.approx(-2 * (1 - 1.5**2 / 2) / 0.1, rel=0.05)
    assert plain.low is not None
    assert plain.high is not None
    assert plain.low < plain.high
    assert momentum.absent == "only known of plain SGD"
    assert unknown.absent == "the learning rate is not known"


def test_what_is_missing_is_named() -> None:
    few = {name: points(STEPS[:3], np.ones(3)) for name in ("grad_sq_norm_debiased", "weight_norm", "grad_change")}

    nothing, some = _found({}), _found(few)

    assert {r.absent for r in nothing.values()} == {"no value has come from this run"}
    assert some["grad_debiased_level"].absent == "not enough readings since step 0 (3 of 12)"
    assert some["norm_drift"].absent == "not enough readings since step 0 (3 of 16)"
    assert some["gns_simple"].absent == "not enough readings since step 0 (3 of 8)"
    assert some["pflug_stat"].absent == "not enough steps since 0 with change and norm of the gradient (0 of 8)"
