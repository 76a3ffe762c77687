"""Coverage of the interval of the mean, and when it is refused."""

import numpy as np
import pytest

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.mean import (
    MeanInterval,
    TooShort,
    batch_length,
    long_run_variance,
    mean_interval,
    points_needed,
)
from tests.reference.ar1 import SEEDS, ar1, memory

RUNS = 200


def test_batches_are_the_root_of_the_length_or_five_memories() -> None:
    assert (batch_length(10_000, 1.0), batch_length(10_000, 30.0)) == (100, 150)
    assert (points_needed(1.0), points_needed(19.0)) == (400, 1900)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.known_answer("loss_mean_ci")
def test_the_interval_covers_the_mean_of_ar1_where_independence_would_not(seed: int) -> None:
    covered = independent = 0
    for r in range(RUNS):
        values = ar1(0.9, 10_000, seed=1000 * seed + r)
        interval = mean_interval(values, tau=iat_geyer(values).tau)
        assert isinstance(interval, MeanInterval)
        covered += abs(interval.mean) <= interval.half
        independent += abs(interval.mean) <= 1.96 * float(values.std()) / 100

    # Nominal 95 %, measured 93-95 %; four binomial errors of 200 runs at 94 % are 6.7 %. Independence covers 35 %.
    assert covered / RUNS > 0.94 - 4 * (0.94 * 0.06 / RUNS) ** 0.5
    assert independent / RUNS < 0.35 + 4 * (0.35 * 0.65 / RUNS) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_long_run_variance_of_ar1_is_its_memory(seed: int) -> None:
    values = ar1(0.9, 40_000, seed=seed)

    found = long_run_variance(values, batch=800)

    # Relative spread sqrt(2 / dof); batches of 42 memories leave a bias of 1/42.
    assert abs(found.variance / memory(0.9) - 1) < 4 * (2 / found.dof) ** 0.5 + 1 / 42


def test_a_window_of_fewer_than_twenty_batches_is_refused_with_what_is_missing() -> None:
    assert mean_interval(ar1(0.5, 310, seed=0), tau=3.0) == TooShort(310, 400)
    assert mean_interval(ar1(0.9, 1500, seed=0), tau=19.0) == TooShort(1500, 1900)


def test_a_constant_series_has_an_interval_of_zero() -> None:
    interval = mean_interval(np.full(400, 0.25), tau=1.0)

    assert isinstance(interval, MeanInterval)
    assert (interval.mean, interval.half) == (0.25, 0.0)


@pytest.mark.parametrize("batch", [0, 10])
def test_a_batch_that_does_not_fit_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match=f"batch is {batch} for 10 points; it must be at least 1 and below 10"):
        long_run_variance(np.arange(10.0), batch=batch)
