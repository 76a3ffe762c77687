"""Smoothness radius: how far the quadratic picture of the loss can be trusted, measured against the gradient.

    γ(w) = max { γ ≥ 0 : ‖∇F(w + h) − ∇F(w) − H h‖ ≤ ‖∇F(w)‖ ‖h‖ / γ  for all ‖h‖ ≤ γ }.

Infinite for a quadratic; at least √(2‖∇F‖/L) where the Hessian is L-Lipschitz. Tried are a few h only, so what is found
is an upper bound: from one h with misfit m = ‖∇F(w + h) − ∇F(w) − Hh‖,

    γ ≤ max(‖h‖, ‖∇F‖ ‖h‖ / m).

Along one direction with m/‖h‖ growing the bound is least where m = ‖∇F‖, and there both agree; at doubled lengths it is
within a factor 2 of that. Source: Semenov, Jaggi, Doikov (2025), definition 1.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ergoscope.curvature.vectors import norm


def misfit(gradient_after: Tensor, gradient: Tensor, product: Tensor) -> Tensor:
    """‖∇F(w + h) − ∇F(w) − Hh‖, without dimensions, on the device, not waited for.

    Args:
        gradient_after: ∇F(w + h), shape (size,).
        gradient: ∇F(w).
        product: Hh at w; as Hh is linear, one product serves all lengths of a direction.

    Example:
        >>> g = torch.tensor([1.0, 0.0])
        >>> float(misfit(g + 2, g, torch.tensor([2.0, 2.0])))
        0.0
    """
    with torch.no_grad():
        return norm(gradient_after - gradient - product)


def smoothness_radius(gradient_norm: float, lengths: Sequence[float], misfits: Sequence[float]) -> float:
    """The least upper bound on γ over all h that were tried; infinite when no misfit was seen.

    Args:
        gradient_norm: ‖∇F(w)‖.
        lengths: ‖h‖ of each, above 0.
        misfits: m of each. Rounding makes them about 1e-7·‖Hh‖ in fp32 even of a quadratic.

    Raises:
        ValueError: There are not as many of both, or a length is not above 0.

    Example:
        >>> smoothness_radius(1.0, lengths=[1.0, 2.0, 4.0], misfits=[0.25, 1.0, 4.0])  # m = h²/4 meets 1 at h = 2
        2.0
    """
    if len(lengths) != len(misfits):
        raise ValueError(f"{len(lengths)} lengths and {len(misfits)} misfits; give as many of both")
    bound = math.inf
    for length, off in zip(lengths, misfits, strict=True):
        if not length > 0:
            raise ValueError(f"a length is {length}; it must be above 0")
        if off:
            bound = min(bound, max(length, gradient_norm * length / off))
    return bound


def search_radius(
    misfit_at: Callable[[float], float], gradient_norm: float, *, start: float, tries: int
) -> tuple[list[float], list[float]]:
    """Try lengths along one direction: doubled until the misfit reaches ‖∇F‖ (halved if it does at once), then between.

    Args:
        misfit_at: m at a length; one gradient each.
        gradient_norm: ‖∇F(w)‖, above 0.
        start: The first length, above 0, as that of the last step.
        tries: Lengths to try; after the doubling each halves the logarithm of what is uncertain.

    Returns:
        Lengths and misfits, for `smoothness_radius`. A misfit that is not finite counts as too large.

    Example:
        >>> lengths, _ = search_radius(lambda h: h * h / 4, 1.0, start=0.5, tries=5)
        >>> [round(length, 3) for length in lengths]
        [0.5, 1.0, 2.0, 1.414, 1.682]
    """
    lengths: list[float] = []
    misfits: list[float] = []
    low, high, length = 0.0, math.inf, start
    for _ in range(tries):
        off = misfit_at(length)
        lengths.append(length)
        misfits.append(off)
        if off < gradient_norm:
            low = max(low, length)
        else:
            high = min(high, length)
        length = 2.0 * low if high == math.inf else 0.5 * high if low == 0.0 else (low * high) ** 0.5
    return lengths, misfits
