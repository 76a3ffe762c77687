"""The linear map that one step of a real optimizer of torch is on a quadratic, with its second moment held."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

FIRST_MOMENTS = ("momentum_buffer", "exp_avg")
SECOND_MOMENTS = ("exp_avg_sq", "max_exp_avg_sq", "square_avg")
HELD = 1 - 2.0**-53  # of a mean that takes in nothing new, to sixteen digits
TINY = 1e-30  # states so small do not move the second moment even so
LATE = 1e18  # steps after which even `HELD` has forgotten where it began

Make = Callable[[Sequence[Tensor]], Optimizer]


def companion(
    make: Make, hessian: Tensor, *, second: Tensor | None = None, made: float = LATE, clip: float = 1.0
) -> tuple[Tensor, Optimizer]:
    """Step once from each state (w, m) along an axis.

    Args:
        make: The optimizer of one parameter for each row of the Hessian, its second moment held.
        hessian: Of the objective ½wᵀHw, fp64, shape (n, n).
        second: The second moment of each parameter, shape (n,).
        made: Steps made before.
        clip: Factor on the gradient.

    Returns:
        Shape (2n, 2n), and an optimizer that has made the step.
    """
    size = len(hessian)
    columns = []
    for state in TINY * torch.eye(2 * size, dtype=torch.float64):
        weights = [entry.reshape(1).clone().requires_grad_() for entry in state[:size]]
        optimizer = _begin(make, weights, state[size:], second, made)
        gradient = clip * hessian @ state[:size]
        for weight, entry in zip(weights, gradient, strict=True):
            weight.grad = entry.reshape(1).clone()
        optimizer.step()
        columns.append(torch.cat([*(w.detach() for w in weights), *_moments(optimizer, weights)]) / TINY)
    return torch.stack(columns, dim=1), optimizer


def radius(matrix: Tensor) -> float:
    """Largest magnitude of the eigenvalues."""
    return float(torch.linalg.eigvals(matrix).abs().max())


def _begin(make: Make, weights: list[Tensor], first: Tensor, second: Tensor | None, made: float) -> Optimizer:
    values = [weight.detach().clone() for weight in weights]
    optimizer = make(weights)
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    optimizer.step()  # makes the state
    for place, weight in enumerate(weights):
        weight.data.copy_(values[place])
        state = optimizer.state[weight]
        for name in FIRST_MOMENTS:
            if state.get(name) is not None:
                state[name].fill_(first[place])
        for name in SECOND_MOMENTS:
            if name in state and second is not None:
                state[name].fill_(second[place])
        if "mu_product" in state:
            state["mu_product"].fill_(0.9 * 0.5**made if made < LATE else 0.0)
        if "step" in state:
            state["step"] = torch.tensor(made, dtype=torch.float64)
    return optimizer


def _moments(optimizer: Optimizer, weights: list[Tensor]) -> list[Tensor]:
    found = []
    for weight in weights:
        state = optimizer.state[weight]
        names = [name for name in FIRST_MOMENTS if state.get(name) is not None]
        found.append(state[names[0]].clone() if names else torch.zeros_like(weight))
    return [f.detach() for f in found]
