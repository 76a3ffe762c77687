"""Curvature along a direction, by product and by losses."""

import pytest
import torch

from ergoscope.curvature.directional import rayleigh, secant_curvature

DIAGONAL = torch.tensor([5.0, 1.0, 0.2], dtype=torch.float64)


def _loss(w: torch.Tensor) -> float:
    return float(0.5 * (DIAGONAL * w * w).sum())


def test_on_a_quadratic_two_losses_say_what_a_product_says() -> None:
    weights = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64)
    gradient = DIAGONAL * weights
    step = -0.1 * gradient

    by_product = float(rayleigh(lambda v: DIAGONAL * v, gradient))
    by_losses = secant_curvature(_loss(weights), _loss(weights + step), float(gradient @ step), float(step @ step))

    assert by_losses == pytest.approx(by_product, rel=1e-10)


def test_along_an_axis_it_is_the_eigenvalue_and_always_between_the_ends() -> None:
    draws = torch.randn(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    values = [float(rayleigh(lambda v: DIAGONAL * v, v)) for v in draws]

    assert [float(rayleigh(lambda v: DIAGONAL * v, axis)) for axis in torch.eye(3).double()] == [5.0, 1.0, 0.2]
    assert all(0.2 <= value <= 5.0 for value in values)


def test_gradient_descent_gains_nothing_where_the_curvature_is_two_over_the_rate() -> None:
    weights = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64)
    gradient = DIAGONAL * weights
    rate = 2 / float(rayleigh(lambda v: DIAGONAL * v, gradient))

    assert _loss(weights - rate * gradient) == pytest.approx(_loss(weights), rel=1e-12)


def test_a_step_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"squared_length is 0\.0; it must be above 0"):
        secant_curvature(1.0, 1.0, 0.0, 0.0)
