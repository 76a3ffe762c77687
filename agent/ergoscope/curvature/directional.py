"""Curvature along one direction, by a product or by two losses."""

from torch import Tensor

from ergoscope.curvature.vectors import Product, dot


def rayleigh(product: Product, direction: Tensor) -> Tensor:
    """vᵀAv / ‖v‖²: of the gradient directional sharpness, of a step the curvature that it felt.

    Within [λ_min, λ₁]. To second order a step of gradient descent lowers the loss if and only if that of the gradient
    is below 2 / rate.

    Args:
        product: v ↦ Av.
        direction: Shape (size,); of zeros it is NaN.

    Returns:
        Without dimensions, on the device, not waited for; exact but for rounding.

    Example:
        >>> import torch
        >>> diagonal = torch.tensor([5.0, 1.0])
        >>> float(rayleigh(lambda v: diagonal * v, torch.tensor([1.0, 1.0])))
        3.0
    """
    return dot(direction, product(direction).to(direction.dtype)) / dot(direction, direction)


def secant_curvature(before: float, after: float, slope: float, squared_length: float) -> float:
    """2 (F(w + Δ) − F(w) − G·Δ) / ‖Δ‖²: the mean curvature along a step, from two losses and a gradient.

    Equal to ΔᵀHΔ / ‖Δ‖² of a quadratic; else to ∫ 2(1 − s) Δᵀ H(w + sΔ) Δ ds / ‖Δ‖². A loss that is rounded to a
    relative unit u is behind an error of 2u·F·√2 / ‖Δ‖².

    Args:
        before: F(w).
        after: F(w + Δ), of the same examples and masks.
        slope: G·Δ with G = ∇F(w).
        squared_length: ‖Δ‖², above 0.

    Raises:
        ValueError: The step has no length.

    Example:
        >>> secant_curvature(before=2.0, after=0.5, slope=-2.0, squared_length=1.0)  # ½w² from 2 to 1
        1.0
    """
    if not squared_length > 0:
        raise ValueError(f"squared_length is {squared_length}; it must be above 0")
    return 2.0 * (after - before - slope) / squared_length
