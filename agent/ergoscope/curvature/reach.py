"""How far an optimizer's step answers a gradient that changes its sign from step to step.

On a quadratic with Hessian H the update of coordinate i, seen through the z-transform, is

    (z − 1 + η λ) W_i = − f_i(z) (H W)_i,

with λ a decay that is decoupled from the gradient. Let r_i = f_i(−1) / (1 − ηλ/2): the reach. With S = diag(√r_i) the
iteration is stable for positive definite H if and only if λ₁(SHS) < 2, and it is unstable if λ₁(SHS) > 2 for any
symmetric H, also when groups of parameters differ in rate, momentum and decay. For then

- on the unit circle Im((z − 1 + ηλ) / f_i(z)) has the sign of Im z for every i, while xᵀHx is real: so a root can cross
  the circle only at z = 1, which takes a negative eigenvalue, or at z = −1, where the equation reads S H S y = 2 y;
- beyond −1 the symmetric matrix H + diag((z − 1 + ηλ) / f_i(z)) goes from having a positive eigenvalue to having none
  as z goes to −∞, so it is singular at some z < −1.

f_i(z) is, with u = z / (z − β):  SGD η; momentum η(1 − δ)u; Nesterov's form as torch has it η(1 + βu); a mean of
gradients under a preconditioner η(1 − β)u / P_i; RMSprop with momentum ηu / P_i; NAdam η(a + b(1 − β)u) / P_i.
Sources: Cohen et al. (2021), appendix B, and (2022), section 2, for one group; the rest follows as said.
"""

from collections.abc import Mapping
from typing import cast

from torch import Tensor
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

PRECONDITIONED: tuple[type[Optimizer], ...] = (Adam, AdamW, RMSprop, NAdam)
KNOWN: tuple[type[Optimizer], ...] = (SGD, *PRECONDITIONED)

Number = float | Tensor
Group = Mapping[str, object]


def obstacle(kind: type[Optimizer], group: Group) -> str:
    """Why no reach is known; empty when one is.

    Args:
        kind: The optimizer's very class: one derived from it may step otherwise.
        group: One of its `param_groups`, with numbers that are on the host.

    Example:
        >>> from torch.optim import Rprop
        >>> obstacle(Rprop, {})
        'no closed form is known for Rprop'
    """
    if kind not in KNOWN:
        return f"no closed form is known for {kind.__name__}"
    if not group.get("lr"):
        return "the learning rate is 0"
    if kind in (SGD, RMSprop) and not 0.0 <= cast(float, group["momentum"]) < 1.0:
        return f"momentum is {group['momentum']}; a threshold needs at least 0 and below 1"
    if kind is SGD and group["momentum"] and cast(float, group["dampening"]) >= 1:
        return f"dampening is {group['dampening']}; a threshold needs one below 1"
    if kind is SGD and group["nesterov"] and group["dampening"]:
        return "Nesterov's form with dampening has no closed form here"
    if number(group["lr"]) * decoupled(kind, group) >= 2:
        return "rate times weight decay is 2 or more, so the decay alone is unstable"
    return ""


def reach(kind: type[Optimizer], group: Group) -> Number:
    """r without the preconditioner, r = 2 / threshold, in the unit of the learning rate.

    Of Adam and NAdam as they are after many steps; what is special about early ones belongs to the preconditioner.

    Args:
        kind: One of `KNOWN`.
        group: Numbers, or tensors without dimensions.

    Example:
        >>> group = {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": False}
        >>> round(2 / reach(SGD, group), 6)  # 3.8 / rate
        38.0
    """
    rate = number(group["lr"])
    return rate * _answer(kind, group) / (1.0 - 0.5 * rate * decoupled(kind, group))


def decoupled(kind: type[Optimizer], group: Group) -> Number:
    """Weight decay that does not go through the gradient."""
    apart = kind is AdamW or group.get("decoupled_weight_decay")
    return number(group.get("weight_decay", 0.0)) if apart else 0.0


def coupled(kind: type[Optimizer], group: Group) -> Number:
    """Weight decay that is added to the gradient, so that the optimizer sees the Hessian H + λI."""
    apart = kind is AdamW or group.get("decoupled_weight_decay")
    return 0.0 if apart else number(group.get("weight_decay", 0.0))


def number(value: object) -> Number:
    """A setting as a number; one that lies on a device stays there as a tensor.

    Example:
        >>> number(0.5), number(1)
        (0.5, 1.0)
    """
    if isinstance(value, Tensor) and value.device.type != "cpu":
        return value
    return float(cast(float, value))


def on_device(group: Group) -> bool:
    """Whether one of the numbers that count lies on a device, where reading it would wait."""
    betas = cast("tuple[object, ...]", group.get("betas", ()))
    values = (group.get("lr"), group.get("weight_decay"), group.get("momentum"), *betas)
    return any(isinstance(v, Tensor) and v.device.type != "cpu" for v in values)


def _answer(kind: type[Optimizer], group: Group) -> Number:
    """f(−1) for a rate of 1, without the preconditioner; u = 1 / (1 + β)."""
    if kind is SGD:
        momentum = number(group["momentum"])
        through = 1.0 / (1.0 + momentum)
        if group["nesterov"]:
            return 1.0 + momentum * through
        undamped = 1.0 - number(group["dampening"]) if momentum else 1.0  # without momentum torch does not dampen
        return undamped * through
    if kind is RMSprop:
        return 1.0 / (1.0 + number(group["momentum"]))
    beta = number(cast("tuple[object, object]", group["betas"])[0])
    mean = (1.0 - beta) / (1.0 + beta)
    return mean * (1.0 + 2.0 * beta) if kind is NAdam else mean
