"""Readings of steps, edges and spikes since the last change."""

from collections.abc import Mapping

import numpy as np
import pytest

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.points import NOTHING, Points, points
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.spikes import Spikes
from ergoscope_server.indicators.stability import STABILITY, stability_readings
from tests.reference.ar1 import SEEDS

FOUND = Assessment(1000, 1000, 400)


def _found(
    series: Mapping[str, Points], *, recipe: Recipe | None = None, rate: float | None = 0.5, found: Assessment = FOUND
) -> dict[str, Reading]:
    listed = stability_readings(found, lambda key: series.get(key, NOTHING), since=100, recipe=recipe, rate=rate)
    assert [reading.id for reading in listed] == list(STABILITY)
    return {reading.id: reading for reading in listed}


def _one_hot(*, seed: int, count: int = 200) -> Points:
    """g'Hg/‖g‖² of single examples with orthogonal features of square s = 3, read with a tenth of noise."""
    return points(5 * np.arange(count), 3 + 0.3 * np.random.default_rng(seed).normal(size=count))


@pytest.mark.known_answer("batch_sharpness_ratio")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rate", "ratio"), [(2 / 3, 1.0), (0.1, 0.15)])
def test_the_curvature_of_batches_stands_against_two_over_the_rate(rate: float, ratio: float, seed: int) -> None:
    found = _found({"batch_sharpness": _one_hot(seed=seed)}, recipe=Recipe("SGD"), rate=rate)["batch_sharpness_ratio"]

    assert found.value == pytest.approx(ratio, rel=4 * 0.1 / 64**0.5)
    assert found.n == 64.0
    assert found.how.endswith("; hovers at 1 at the edge")


def test_with_momentum_the_band_is_told_and_without_sgd_there_is_no_edge() -> None:
    series = {"batch_sharpness": _one_hot(seed=1)}

    momentum = _found(series, recipe=Recipe("SGD", 0.9))["batch_sharpness_ratio"]
    adam = _found(series, recipe=Recipe("Adam", 0.9))["batch_sharpness_ratio"]

    nesterov = _found(series, recipe=Recipe("SGD", 0.9, nesterov=True))["batch_sharpness_ratio"]

    told = "; with momentum seen between 0.1, of small batches, and 1.9, of large ones; of the edge only the upper end"
    assert momentum.how.endswith(f"{told} tells")
    assert nesterov.how.endswith("; where it hovers with Nesterov's momentum or dampening is not known")
    assert adam.absent == "its edge is only known of SGD, and needs the learning rate"
    assert _found({})["batch_sharpness_ratio"].absent == "no value has come from this run"


def test_balance_comes_with_the_error_that_the_agent_gave_and_only_since_the_change() -> None:
    series = {
        "descent_balance": points([50, 500], [0.2, 1.02]),
        "descent_balance_error": points([50, 500], [0.1, 0.05]),
        "descent_fraction": points([50], [0.5]),
    }

    found = _found(series)

    balance = found["descent_balance"]
    assert (balance.low, balance.value, balance.high) == pytest.approx((0.922, 1.02, 1.118))
    assert found["descent_fraction"].absent == "no reading since step 100"


def test_spikes_are_counted_with_those_that_came_back() -> None:
    thrown = Assessment(1000, 1000, 400, spikes=Spikes((300, 600, 950), 1, 1), looked=900)

    found, early = _found({}, found=thrown), _found({})

    assert (found["spike_count"].value, found["catapult_count"].value) == (3.0, 1.0)
    assert found["spike_count"].how == "z above 8, or above 5 twice, over 900 steps"
    assert found["catapult_count"].how == "spikes back at their level in 200; 1 not yet decided, over 900 steps"
    assert early["spike_count"].absent == "needs 250 losses since the last change"
