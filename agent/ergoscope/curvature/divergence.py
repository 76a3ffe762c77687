"""How much a model's answers to a fixed batch have changed between two readings.

Of a classifier with logits z before and z' after, at temperature τ,

    mean over examples of KL( softmax(z/τ) ‖ softmax(z'/τ) )  ≈ ½ δᵀ(diag(p) − ppᵀ)δ / τ²  for small δ = z' − z,

in nats: the squared speed of the function in the Fisher metric of its outputs. Of a regression, ½ mean ‖z' − z‖²/σ²,
the same divergence of normal distributions with variance σ². Comparable at equal time between readings, τ and batch
only. Source: Du et al. (2022), equation 6, there with τ = 5.
"""

import torch
from torch import Tensor

from ergoscope.curvature.vectors import wide_dtype


def trajectory_kl(before: Tensor, after: Tensor, *, temperature: float = 1.0, mask: Tensor | None = None) -> Tensor:
    """Mean divergence of the answers before from those after.

    Computed in fp64 (fp32 on Apple's devices): logits that were kept in half precision are off by 2⁻¹¹ of their
    size, which adds about that squared times their variance, halved.

    Args:
        before: Logits, shape (..., classes).
        after: Likewise.
        temperature: τ, above 0.
        mask: Shape (...), true where an entry counts, as for tokens that are no padding; None counts all.

    Returns:
        In nats, without dimensions, on the device, not waited for; NaN when nothing counts.

    Raises:
        ValueError: The shapes differ, or the temperature is not above 0.

    Example:
        >>> even, tilted = torch.zeros(1, 2), torch.tensor([[3.0, 1.0]]).log()
        >>> round(float(trajectory_kl(even, tilted)), 6)
        0.143841
    """
    _check(before, after)
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    with torch.no_grad():
        wide = wide_dtype(before.device)
        one, other = (torch.log_softmax(z.to(wide) / temperature, dim=-1) for z in (before, after))
        chance = one.exp()
        # A class that is ruled out has chance 0 and logarithm -inf, and adds nothing.
        terms = torch.where(chance > 0, chance * (one - other), 0.0).sum(dim=-1)
        return _mean(terms, mask)


def output_change(before: Tensor, after: Tensor, *, variance: Tensor | float, mask: Tensor | None = None) -> Tensor:
    """½ mean ‖z' − z‖² / σ² of a regression.

    Args:
        before: Outputs, shape (..., outputs).
        after: Likewise.
        variance: σ² of what the outputs leave unexplained, above 0; its unit is theirs squared.
        mask: As for `trajectory_kl`.

    Raises:
        ValueError: The shapes differ.

    Example:
        >>> float(output_change(torch.zeros(2, 1), torch.ones(2, 1), variance=2.0))
        0.25
    """
    _check(before, after)
    with torch.no_grad():
        wide = wide_dtype(before.device)
        return _mean((after.to(wide) - before.to(wide)).square().sum(dim=-1), mask) / (2.0 * variance)


def _check(before: Tensor, after: Tensor) -> None:
    if before.shape != after.shape:
        raise ValueError(f"outputs had shape {tuple(before.shape)} and now {tuple(after.shape)}; they must be equal")


def _mean(terms: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return terms.mean()
    counted = mask.to(torch.bool)
    return torch.where(counted, terms, 0.0).sum() / counted.sum()
