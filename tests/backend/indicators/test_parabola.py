"""The loss against its parabola: none apart on a quadratic, and by known amounts beyond it."""

import numpy as np
import pytest

from ergoscope_server.indicators.parabola import FLAT, centre, misfit, parabola

A = np.linspace(-1.0, 1.0, 21)
B = np.linspace(-2.0, 2.0, 11)


def test_a_quadratic_is_its_own_parabola_on_a_line_and_on_a_plane() -> None:
    hessian, gradient = np.array([[5.0, -1.5], [-1.5, 2.0]]), np.array([0.3, -0.7])
    points = np.stack(np.meshgrid(A, B, indexing="ij"), axis=-1)
    loss = 4 + points @ gradient + np.einsum("ijk,kl,ijl->ij", points, hessian, points) / 2

    plane = parabola([A, B], level=4.0, slopes=[0.3, -0.7], curvatures=[5.0, 2.0, -1.5])
    line = parabola([A], level=4.0, slopes=[0.3], curvatures=[5.0])

    np.testing.assert_allclose(plane, loss, rtol=1e-14)
    np.testing.assert_allclose(line, loss[:, 5], rtol=1e-14)  # b is 0 there
    assert misfit(loss, plane, level=4.0) == pytest.approx(0.0, abs=1e-14)


def test_eigenvectors_need_no_mixed_term() -> None:
    without = parabola([A, B], level=0.0, slopes=[0.0, 0.0], curvatures=[5.0, 2.0])
    naught = parabola([A, B], level=0.0, slopes=[0.0, 0.0], curvatures=[5.0, 2.0, 0.0])

    assert np.array_equal(without, naught)


def test_a_fourth_power_is_off_by_the_ratio_of_moments() -> None:
    a = np.linspace(-1, 1, 4001)
    loss, expected = a**2 + a**4, parabola([a], level=0.0, slopes=[0.0], curvatures=[2.0])

    # mean of a^8 is 1/9; of (a^2 + a^4)^2 it is 1/5 + 2/7 + 1/9; sums over 4,001 points are off by 1/2,000 at most
    assert misfit(loss, expected, level=0.0) == pytest.approx(((1 / 9) / (1 / 5 + 2 / 7 + 1 / 9)) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("values", "expected"), [(A**2, 0 * A), (0 * A, A**2)])
def test_where_only_one_of_the_two_is_flat_the_parabola_says_nothing(values: np.ndarray, expected: np.ndarray) -> None:
    assert misfit(values, expected, level=0.0) == 1.0


def test_the_misfit_has_no_unit() -> None:
    loss, expected = A**2 + A**3, A**2

    assert misfit(1e6 * loss, 1e6 * expected, level=0.0) == pytest.approx(misfit(loss, expected, level=0.0))
    assert misfit(1e300 * loss, 1e300 * expected, level=0.0) == pytest.approx(misfit(loss, expected, level=0.0))


def test_a_slice_that_is_flat_but_for_roundings_has_no_misfit() -> None:
    wiggle = 2.3 * FLAT * np.sin(40 * A)

    assert misfit(2.3 + 0.9 * wiggle, np.full_like(A, 2.3), level=2.3) is None
    assert misfit(2.3 + 9 * wiggle, np.full_like(A, 2.3), level=2.3) == 1.0


def test_values_that_are_not_finite_are_left_out() -> None:
    loss = np.where(np.abs(A) > 0.95, np.inf, A**2 / 2)

    assert misfit(loss, A**2 / 2, level=0.0) == 0.0
    assert misfit(np.full_like(A, np.nan), A, level=0.0) is None


def test_the_centre_is_the_loss_at_offset_zero() -> None:
    values = np.arange(231.0).reshape(21, 11)

    assert centre([A, B], values) == values[10, 5]
    assert centre([A[:3]], values[:3, 0]) is None
    assert centre([A], np.full(21, np.nan)) is None
