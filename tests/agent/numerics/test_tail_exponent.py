"""Tails of known exponent, and what the fit makes of a spectrum that has none."""

import numpy as np
import pytest

from ergoscope.numerics.tail_exponent import FEWEST, fit_random, fit_tail


def pareto(exponent: float, count: int, seed: int) -> np.ndarray:
    return (1 - np.random.default_rng(seed).random(count)) ** (-1 / (exponent - 1))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("exponent", [2.5, 4.0])
def test_the_exponent_of_pareto_samples_is_found_within_its_error(exponent: float, seed: int) -> None:
    tail = fit_tail(pareto(exponent, 5000, seed))

    assert tail is not None
    assert tail.exponent == pytest.approx(exponent, abs=4 * tail.error)
    assert tail.error == pytest.approx((tail.exponent - 1) / tail.count**0.5)
    assert tail.distance < 1.63 / tail.count**0.5  # the bound at 1 %


def test_a_tail_is_found_where_it_begins() -> None:
    body = np.linspace(0.01, 1.0, 3000)  # a flat density below 1
    tail = fit_tail(np.concatenate([body, pareto(3.0, 2000, 0)]))

    assert tail is not None
    assert tail.least > 0.8
    assert tail.exponent == pytest.approx(3.0, abs=4 * tail.error)


def test_a_random_matrix_passes_for_a_power_law_of_exponent_six() -> None:
    found = fit_random(400, 800)

    assert found is not None
    assert found.exponent == pytest.approx(6.01, abs=4 * found.error)
    assert found.distance < 1.36 / found.count**0.5  # the usual test does not object
    assert fit_random(400, 800) == found  # one draw, the same every time


def test_few_values_have_no_tail() -> None:
    assert fit_tail(np.ones(100)) is None
    assert fit_tail(np.arange(1.0, FEWEST)) is None
    assert fit_tail(np.arange(1.0, FEWEST + 1)) is not None


def test_values_that_tie_at_the_top_are_no_tail_of_their_own() -> None:
    tail = fit_tail(np.concatenate([pareto(2.5, 300, 0), np.full(20, 1e6)]))

    assert tail is not None
    assert np.isfinite(tail.exponent)
