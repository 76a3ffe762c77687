"""Descent balance: 1 for stationary walks on a quadratic, whatever the optimizer."""

import math

import numpy as np
import pytest

from ergoscope.curvature.balance import balance_by_losses, balance_by_products

CURVATURES = np.array([4.0, 1.0, 0.25])
NOISE = np.array([1.0, 0.5, 2.0])


def _walk(*, rate: float, momentum: float, steps: int) -> tuple[list[float], list[float], list[float]]:
    """Slopes, curvature terms and changes of the loss of a noisy descent, after it has forgotten its start.

    The walks of 50 copies are one behind the other.
    """
    rng = np.random.default_rng(0)
    weights, speed = np.zeros((50, 3)), np.zeros((50, 3))
    slopes, terms, changes = [], [], []
    for step in range(2 * steps):
        speed = momentum * speed + CURVATURES * weights + NOISE**0.5 * rng.normal(size=(50, 3))
        move = -rate * speed
        if step >= steps:
            slopes.append((CURVATURES * weights * move).sum(axis=1))
            terms.append((CURVATURES * move**2).sum(axis=1))
            changes.append(0.5 * (CURVATURES * ((weights + move) ** 2 - weights**2)).sum(axis=1))
        weights = weights + move
    one_behind_the_other = [np.array(x).T.ravel().tolist() for x in (slopes, terms, changes)]
    return one_behind_the_other[0], one_behind_the_other[1], one_behind_the_other[2]


@pytest.mark.parametrize(("rate", "momentum"), [(0.2, 0.0), (0.02, 0.9)])
def test_a_stationary_walk_on_a_quadratic_has_balance_one(rate: float, momentum: float) -> None:
    slopes, terms, changes = _walk(rate=rate, momentum=momentum, steps=2000)

    by_products, by_losses = balance_by_products(slopes, terms), balance_by_losses(slopes, changes)

    assert abs(by_products.ratio - 1) < 4 * by_products.error
    assert by_products.error < 0.05
    assert by_losses.ratio == pytest.approx(by_products.ratio, rel=1e-9)
    assert by_products.steps == 100_000


def test_plain_descent_without_noise_has_what_the_rate_says() -> None:
    # On ½hw² a step of −ηhw has G·Δ = −ηh²w² and ΔᵀHΔ = η²h³w²: R = ηh/2, and every step points downhill.
    rate, curvature = 0.3, 2.0
    weights = 0.5 ** np.arange(6.0)

    found = balance_by_products(
        (-rate * curvature**2 * weights**2).tolist(), (rate**2 * curvature**3 * weights**2).tolist()
    )

    assert found.ratio == pytest.approx(rate * curvature / 2)
    assert found.error == pytest.approx(0.0, abs=1e-9)
    assert (found.fraction, found.fraction_error) == (1.0, 0.0)


def test_steps_at_random_point_downhill_half_of_the_time_and_have_no_balance_uphill() -> None:
    slopes = np.random.default_rng(0).normal(size=4000)

    found = balance_by_products(slopes.tolist(), [1.0] * 4000)
    uphill = balance_by_products([1.0, 2.0, -0.5], [1.0, 1.0, 1.0])

    assert abs(found.fraction - 0.5) < 4 * 0.5 / 4000**0.5
    assert found.fraction_error == pytest.approx(0.5 / 4000**0.5, rel=0.01)
    assert math.isnan(uphill.ratio) and math.isnan(uphill.error)
    assert uphill.fraction == pytest.approx(1 / 3)


def test_the_error_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    repeats, inside = 300, 0
    for _ in range(repeats):
        slopes = -1 + 0.5 * rng.normal(size=100)
        terms = 2 + rng.normal(size=100)
        found = balance_by_products(slopes.tolist(), terms.tolist())
        inside += abs(found.ratio - 1) < 2.262 * found.error  # Student's 95 % at 9 degrees: ten batches

    assert abs(inside / repeats - 0.95) < 4 * (0.95 * 0.05 / repeats) ** 0.5


def test_steps_that_are_not_finite_are_left_out_and_nothing_is_no_number() -> None:
    found = balance_by_products([-1.0, math.nan, -1.0], [2.0, 2.0, math.inf])

    assert (found.ratio, found.steps) == (1.0, 1)
    assert math.isnan(balance_by_products([], []).fraction)


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="1 slopes and 2 curvatures; give as many of both"):
        balance_by_products([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="1 slopes and 0 changes; give as many of both"):
        balance_by_losses([1.0], [])
