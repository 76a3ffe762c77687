"""The rise of the loss after a worst-case nudge."""

import pytest
import torch

from ergoscope.curvature.directional import rayleigh
from ergoscope.curvature.sharpness import expected_rise, worst_nudge

DIAGONAL = torch.tensor([5.0, 1.0, 0.2], dtype=torch.float64)
WEIGHTS = torch.tensor([0.3, -1.2, 0.7], dtype=torch.float64)


def _loss(w: torch.Tensor) -> float:
    return float(0.5 * (DIAGONAL * w * w).sum())


def test_a_quadratic_rises_by_what_slope_and_curvature_say() -> None:
    gradient = DIAGONAL * WEIGHTS

    rise = _loss(WEIGHTS + worst_nudge(gradient, radius=0.05)) - _loss(WEIGHTS)

    expected = expected_rise(float(gradient.norm()), float(rayleigh(lambda v: DIAGONAL * v, gradient)), radius=0.05)
    assert rise == pytest.approx(expected, rel=1e-12)


def test_no_other_nudge_of_that_length_raises_the_linear_loss_more() -> None:
    gradient = DIAGONAL * WEIGHTS
    others = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    nudge = worst_nudge(gradient, radius=0.5)

    assert float(nudge.norm()) == pytest.approx(0.5)
    assert all(gradient @ nudge >= gradient @ (0.5 * other / other.norm()) for other in others)


def test_the_adaptive_nudge_is_the_worst_in_the_ball_that_scales_with_the_weights() -> None:
    gradient = DIAGONAL * WEIGHTS
    others = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    nudge = worst_nudge(gradient, radius=0.5, weights=WEIGHTS)

    assert float((nudge / WEIGHTS.abs()).norm()) == pytest.approx(0.5)
    assert all(gradient @ nudge >= gradient @ (0.5 * WEIGHTS.abs() * other / other.norm()) for other in others)


def test_the_adaptive_rise_does_not_change_when_scale_moves_between_factors() -> None:
    def rise(a: float, b: float) -> float:  # F = (ab)²/2 at the same product
        weights = torch.tensor([a, b], dtype=torch.float64)
        gradient = torch.tensor([a * b * b, a * a * b], dtype=torch.float64)
        nudged = weights + worst_nudge(gradient, radius=0.1, weights=weights)
        return float(nudged.prod() ** 2 - weights.prod() ** 2) / 2

    assert rise(2.0, 3.0) == pytest.approx(rise(20.0, 0.3), rel=1e-12)


def test_where_there_is_no_slope_no_direction_is_worst() -> None:
    assert worst_nudge(torch.zeros(2)).isnan().all()


def test_a_radius_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"radius is 0\.0; it must be above 0"):
        worst_nudge(torch.ones(2), radius=0.0)
