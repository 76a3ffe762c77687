"""Smoothness radius: how far the quadratic picture of the loss can be trusted, measured against the gradient.

    γ(w) = max { γ ≥ 0 : ‖∇F(w + h) − ∇F(w) − H h‖ ≤ ‖∇F(w)‖ ‖h‖ / γ  for all ‖h‖ ≤ γ }.

Infinite for a quadratic; at least √(2‖∇F‖/L) where the Hessian is L-Lipschitz. Tried are a few h only, so what is found
is an upper bound: from one h with misfit m = ‖∇F(w + h) − ∇F(w) − Hh‖,

    γ ≤ max(‖h‖, ‖∇F‖ ‖h‖ / m).

Along one direction with m/‖h‖ growing the bound is least where m = ‖∇F‖, and there both agree. Where m grows as ‖h‖²,
as the third derivative makes it, a length that is off by a factor gives a bound that is off by no more than that
factor. Source: Semenov, Jaggi, Doikov (2025), definition 1.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.vectors import norm

LONGEST = 4.0  # units: further out the weights are others altogether
_SHORTEST = 2.0**-20  # units: less is lost in the rounding of the weights
_STRIDE = 16.0  # the most by which a length changes from look to look


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


class Search:
    """Follows along one direction the length at which the misfit reaches ‖∇F‖, by what each look has found.

    The first look tries a few lengths far apart; each later one the one at which misfit and gradient would have met
    had the misfit grown as the square of the length. Lengths are parts of a unit, such as the length of the weights,
    which the host need not know when a look is taken.

    Attributes:
        lengths: To be tried at the next look.

    Example:
        >>> search = Search()
        >>> search.read(1.0, search.lengths, [h * h / 9 for h in search.lengths])
        >>> search.lengths
        (3.0,)
    """

    def __init__(self) -> None:
        """Begin without having looked."""
        self.lengths: tuple[float, ...] = (1 / 64, 1 / 16, 1 / 4, 1.0, LONGEST)

    def read(self, gradient_norm: float, lengths: Sequence[float], misfits: Sequence[float]) -> None:
        """Choose the next length by those of a look, in the order of the looks.

        Args:
            gradient_norm: ‖∇F(w)‖, above 0.
            lengths: That were tried, rising.
            misfits: m of each; 0 where it is not more than rounding, infinite where it is no number.
        """
        known = [(h, off) for h, off in zip(lengths, misfits, strict=True) if 0 < off < math.inf]
        if known:
            length, off = min(known, key=lambda one: abs(math.log(one[1] / gradient_norm)))
            length *= min(max((gradient_norm / off) ** 0.5, 1 / _STRIDE), _STRIDE)
        else:
            unseen = [h for h, off in zip(lengths, misfits, strict=True) if off == 0]
            length = _STRIDE * unseen[-1] if unseen else lengths[0] / _STRIDE
        self.lengths = (min(max(length, _SHORTEST), LONGEST),)
