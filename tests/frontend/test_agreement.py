"""Rank correlations that are known, and how often their intervals hold the truth."""

import math

import numpy as np
import pytest

from ergoscope_ui.agreement import FEWEST, agreement


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_of_normal_values_the_interval_holds_the_truth_as_often_as_it_says(rho: float, seed: int) -> None:
    truth, repeats, n = 2 / math.pi * math.asin(rho), 1000, 12
    generator = np.random.default_rng(seed)
    held, total = 0, 0.0
    for _ in range(repeats):
        x = generator.standard_normal(n)
        found = agreement(x, rho * x + math.sqrt(1 - rho**2) * generator.standard_normal(n))
        assert found is not None
        held += found.low <= truth <= found.high
        total += found.value

    # τ is unbiased, and its variance is at most 2 (1 - τ²) / n.
    assert total / repeats == pytest.approx(truth, abs=4 * math.sqrt(2 * (1 - truth**2) / n / repeats))
    assert held / repeats >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / repeats)


def test_opposite_orders_read_minus_one_and_the_interval_has_a_width() -> None:
    found = agreement(np.arange(10.0), -np.exp(np.arange(10.0)))

    assert found is not None
    assert (found.value, found.low, found.count) == (-1.0, -1.0, 10)
    assert -1 < found.high < -0.7


def test_ties_count_for_neither_side() -> None:
    x, y = np.array([1.0, 1, 2, 2, 3, 3, 4, 4, 5, 5]), np.arange(10.0)

    found = agreement(x, y)

    # 45 pairs, 5 of them ties in x, none the other way round.
    assert found is not None
    assert found.value == pytest.approx(40 / math.sqrt(40 * 45))


def test_runs_of_which_one_value_is_missing_are_left_out_and_nine_are_too_few() -> None:
    x, y = np.arange(10.0), np.arange(10.0)

    assert agreement(x[:9], y[:9]) is None
    assert agreement(np.append(x[:9], np.nan), y) is None
    ten = agreement(np.append(x, np.inf), np.append(y, 3.0))
    assert ten is not None
    assert ten.count == FEWEST


def test_where_all_are_alike_there_is_no_order() -> None:
    assert agreement(np.ones(12), np.arange(12.0)) is None
