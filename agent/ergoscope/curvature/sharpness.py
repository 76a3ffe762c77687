"""Sharpness in the sense of SAM: how far the loss rises after a small worst-case nudge of the weights.

    max_{‖e‖ ≤ ρ} F(w + e) − F(w) ≈ F(w + ρ g/‖g‖) − F(w),

the first-order solution of the maximum, and never above it. Of a quadratic it is ρ‖g‖ + ½ρ² gᵀHg/‖g‖²: far from a
minimum most of it is the slope. Scaling the weights of a layer changes it though the function stays; the adaptive form
scales the ball with the weights, ‖T⁻¹e‖ ≤ ρ with T = diag(|w|), so e = ρ T²g/‖Tg‖. Sources: Foret et al. (2021),
equation 2; adaptive: Kwon et al. (2021), equation 8.
"""

import torch
from torch import Tensor

from ergoscope.curvature.vectors import norm

RADIUS = 0.05


def worst_nudge(gradient: Tensor, *, radius: float = RADIUS, weights: Tensor | None = None) -> Tensor:
    """The nudge e for which the loss is to be run again.

    Args:
        gradient: Shape (size,); where it is zero the nudge is NaN, as no direction is worst.
        radius: ρ, above 0.
        weights: Shape (size,), for the adaptive form.

    Returns:
        Shape (size,), not waited for.

    Raises:
        ValueError: The radius is not above 0.

    Example:
        >>> worst_nudge(torch.tensor([3.0, 4.0]), radius=10.0)
        tensor([6., 8.])
    """
    if not radius > 0:
        raise ValueError(f"radius is {radius}; it must be above 0")
    with torch.no_grad():
        if weights is None:
            return gradient * (radius / norm(gradient)).to(gradient.dtype)
        scaled = weights.abs() * gradient
        return weights.abs() * scaled * (radius / norm(scaled)).to(gradient.dtype)


def expected_rise(gradient_norm: float, curvature: float, *, radius: float = RADIUS) -> float:
    """What a quadratic would rise by: ρ‖g‖ + ½ρ²κ with the curvature κ along the gradient.

    Example:
        >>> expected_rise(2.0, 4.0, radius=0.5)
        1.5
    """
    return radius * gradient_norm + 0.5 * radius * radius * curvature
