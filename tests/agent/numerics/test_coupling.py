"""A slope and its error."""

import random
import statistics

import pytest

from ergoscope.numerics.coupling import slope


def test_few_pairs_and_a_still_first_number_have_no_slope() -> None:
    assert slope([(float(i), 1.0) for i in range(15)]) is None
    assert slope([(1.0, float(i)) for i in range(20)]) is None


def test_the_error_is_that_of_independent_noise() -> None:
    rng = random.Random(0)
    found = []
    for _ in range(300):
        pairs = [(x := rng.gauss(0, 1), 2.0 * x + rng.gauss(0, 1)) for _ in range(128)]
        found.append(slope(pairs) or pytest.fail("no slope"))

    true = statistics.variance([b for b, _ in found])
    said = statistics.mean([error**2 for _, error in found])
    # A variance of n independent values has a relative error of sqrt(2 / (n - 1)).
    assert said / true == pytest.approx(1.0, abs=4 * (2 / 299) ** 0.5)
