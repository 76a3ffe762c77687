"""The scaling S under which one threshold serves all parameters of an optimizer, read from its state.

    S_i² = r_i / r,     r the reach of the first group, r_i that of entry i with its preconditioner P_i in it,

so that λ₁(SHS) is compared with 2/r; see `ergoscope.curvature.reach`. With equal settings S = P^(−1/2). P is what torch
divides the rate by, at the newest state:

    Adam, AdamW    (√v / √(1 − β₂ᵗ) + ε) (1 − β₁ᵗ); with AMSGrad the largest v so far
    RMSprop        √v + ε; centred √(v − ḡ²) + ε
    NAdam          (√(v / (1 − β₂ᵗ)) + ε) c_∞ / c_t, c_t = a + b(1 − β₁)/(1 + β₁) with a = (1 − μ_t)/(1 − Π_t) and
                   b = μ_{t+1}/(1 − Π_{t+1}); a settles at 1 − β₁ and b at β₁

S is zero where the optimizer has not moved the entry, as it knows none or no gradient has come: H does not act there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.optim import SGD, NAdam, Optimizer, RMSprop

from ergoscope.curvature.reach import KNOWN, Group, Number, coupled, number, obstacle, on_device, reach
from ergoscope.curvature.vectors import Product
from ergoscope.shards import is_flat, is_spread

State = Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """S as one vector, and what comes with it.

    scale: S, shape (size,), on the parameters' device.
    decay: what coupled weight decay adds to SHS on its diagonal, λ_i S_i²; None without decay.
    rate: the learning rate of the first group, that the threshold refers to; a tensor where it lies on a device.
    sign: −1 where the optimizer maximizes, else 1.
    """

    scale: Tensor
    decay: Tensor | None
    rate: Number
    sign: float

    def product(self, hessian: Product, *, clip: float = 1.0) -> Product:
        """v ↦ ±S H S v + (λS²/c) ∘ v: the operator whose largest eigenvalue the threshold is for.

        Args:
            hessian: v ↦ Hv of the objective without weight decay.
            clip: The same as for the threshold.
        """

        def scaled(vector: Tensor) -> Tensor:
            out = self.sign * self.scale * hessian(self.scale * vector)
            return out if self.decay is None else out + (self.decay / clip) * vector

        return scaled


def scaling(optimizer: Optimizer, parameters: Sequence[Tensor], *, dtype: torch.dtype = torch.float32) -> Scaling | str:
    """Read S from an optimizer, without waiting for the device and without changing anything.

    Args:
        optimizer: Of one of the very classes that have a threshold.
        parameters: Give the order of S: that of the vectors to be multiplied.
        dtype: Of S; its numbers are worked out in it.

    Returns:
        The scaling, or why there is none.

    Example:
        >>> w = torch.ones(2, requires_grad=True)
        >>> adam = torch.optim.Adam([w], lr=0.1)
        >>> scaling(adam, [w])
        'the optimizer has no state yet'
    """
    kind, groups = type(optimizer), optimizer.param_groups
    reason = _obstacle(kind, groups, parameters)
    if reason:
        return reason
    owner = {id(p): group for group in groups for p in group["params"]}
    mine = [(p, owner.get(id(p))) for p in parameters]
    if kind is not SGD and not any(optimizer.state.get(p) for p, group in mine if group is not None):
        return "the optimizer has no state yet"
    with torch.no_grad():
        reference = reach(kind, groups[0])
        squares = [_square(kind, p, group, optimizer.state.get(p) or {}, reference, dtype) for p, group in mine]
        whole = torch.cat(squares)
        decays = [0.0 if group is None else coupled(kind, group) for _, group in mine]
        decay = None
        if any(isinstance(d, Tensor) or d for d in decays):
            decay = torch.cat([square * d for square, d in zip(squares, decays, strict=True)])
    sign = -1.0 if groups[0].get("maximize") else 1.0
    return Scaling(whole.sqrt(), decay, number(groups[0]["lr"]), sign)


def _obstacle(kind: type[Optimizer], groups: Sequence[Group], parameters: Sequence[Tensor]) -> str:
    if kind not in KNOWN:
        return f"no closed form is known for {kind.__name__}"
    for group in groups:
        reason = "" if on_device(group) else obstacle(kind, group)
        if reason:
            return reason
    if len({bool(group.get("maximize")) for group in groups}) > 1:
        return "some groups maximize and others do not"
    if not parameters:
        return "there are no parameters"
    if any(is_spread(p) or is_flat(p) for p in parameters):
        return "parameters are spread over processes"
    if any(p.is_complex() for p in parameters):
        return "a parameter is complex"
    return "parameters lie on several devices" if len({p.device for p in parameters}) > 1 else ""


def _square(
    kind: type[Optimizer], parameter: Tensor, group: Group | None, state: State, reference: Number, dtype: torch.dtype
) -> Tensor:
    """S² of one parameter, shape (its entries,)."""
    if group is None or (kind is not SGD and not state):
        return torch.zeros(parameter.numel(), dtype=dtype, device=parameter.device)
    ratio = reach(kind, group) / reference
    if kind is SGD:
        return torch.ones(parameter.numel(), dtype=dtype, device=parameter.device) * ratio
    divisor = _DIVISORS.get(kind, _of_adam)(group, state, dtype)
    return (ratio / divisor).reshape(-1)


def _of_adam(group: Group, state: State, dtype: torch.dtype) -> Tensor:
    beta1, beta2 = _betas(group)
    step = number(state["step"])
    second = _wide(state["max_exp_avg_sq" if group.get("amsgrad") else "exp_avg_sq"], dtype)
    root = second.sqrt() / (1.0 - beta2**step) ** 0.5
    return (root + number(group["eps"])) * (1.0 - beta1**step)


def _of_rmsprop(group: Group, state: State, dtype: torch.dtype) -> Tensor:
    second = _wide(state["square_avg"], dtype)
    if group["centered"]:
        mean = _wide(state["grad_avg"], dtype)
        second = second - mean * mean
    return second.sqrt() + number(group["eps"])


def _of_nadam(group: Group, state: State, dtype: torch.dtype) -> Tensor:
    beta1, beta2 = _betas(group)
    step, all_of = number(state["step"]), number(state["mu_product"])
    drift = number(group["momentum_decay"])
    mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * drift))
    following = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1.0) * drift))
    through = (1.0 - beta1) / (1.0 + beta1)
    now = (1.0 - mu) / (1.0 - all_of) + through * following / (1.0 - all_of * following)
    settled = through * (1.0 + 2.0 * beta1)
    root = (_wide(state["exp_avg_sq"], dtype) / (1.0 - beta2**step)).sqrt()
    return (root + number(group["eps"])) * (settled / now)


_DIVISORS: dict[type[Optimizer], Callable[[Group, State, torch.dtype], Tensor]] = {
    RMSprop: _of_rmsprop,
    NAdam: _of_nadam,
}


def _betas(group: Group) -> tuple[Number, Number]:
    beta1, beta2 = cast("tuple[object, object]", group["betas"])
    return number(beta1), number(beta2)


def _wide(tensor: object, dtype: torch.dtype) -> Tensor:
    return cast(Tensor, tensor).detach().to(dtype)
