"""Power iteration: the eigenvalue of largest magnitude. A cross-check of Lanczos, which is better at equal cost.

v ← Av/‖Av‖ turns towards the eigenvector of the largest |λ|, which early in training may be a negative λ. After k
products the Rayleigh quotient is Σ λᵢ^{2k−1}cᵢ² / Σ λᵢ^{2k−2}cᵢ² with c the components of the start vector: too small
in magnitude by about (λ₂/λ₁)^{2k−2}, where Lanczos gains a Chebyshev polynomial. Source: Müntz (1913), von Mises and
Pollaczek-Geiringer (1929).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.curvature.vectors import Product, add_scaled, dot, norm


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Where power iteration stands, on the device.

    value: Rayleigh quotient of the last vector that was multiplied, without dimensions; its sign is that of the λ.
    residual: ‖Av − value·v‖, without dimensions: an eigenvalue lies so near.
    vector: after the last product, of length 1, shape (size,).
    """

    value: Tensor
    residual: Tensor
    vector: Tensor


def iterate_power(product: Product, start: Tensor, *, steps: int) -> Power:
    """Multiply `steps` times, without waiting for the device.

    Args:
        product: Maps v, shape (size,), to Av, shape (size,).
        start: Shape (size,), of any length but 0.
        steps: Products to spend; at least 1.

    Raises:
        ValueError: `steps` is below 1.

    Example:
        >>> diagonal = torch.tensor([-3.0, 1.0])
        >>> found = iterate_power(lambda v: diagonal * v, torch.ones(2), steps=20)
        >>> round(float(found.value), 4)
        -3.0
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    vector = _unit(start)
    for _ in range(steps):
        image = product(vector).detach()
        value, remainder = dot(vector, image), image.clone()
        add_scaled(remainder, vector, -value)
        vector = _unit(image)
    return Power(value, norm(remainder), vector)


def _unit(vector: Tensor) -> Tensor:
    """The vector at length 1; zeros stay zeros."""
    with torch.no_grad():
        length = norm(vector)
        return vector * length.reciprocal().masked_fill(length == 0, 0.0).to(vector.dtype)
