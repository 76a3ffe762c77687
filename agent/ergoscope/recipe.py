"""What an optimizer's settings say of the way in which it moves each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.optim import SGD, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSprop

_SCALED = (Adam, AdamW, NAdam, RAdam, Adamax, RMSprop)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one layer is moved in one step.

    rate: the learning rate.
    decay: weight decay.
    sign: -1 where the optimizer maximizes, else 1.
    power: the p with which rate / |w|^p is what a layer feels whose scale does not matter: 2 for SGD, as the gradient
        shrinks with |w|; 1 for steps that do not grow with the gradient; None where it is not known. Heo et al. (2020).
    spread: (1 + momentum) / (1 - dampening) of SGD without Nesterov's form, else None; see `AlignmentProbe`.
    apart: of Adam and AdamW, whose step beside the decay is known to be m^ / (sqrt(v^) + eps), the decay that is
        decoupled from it; else None.
    """

    rate: float
    decay: float
    sign: float
    power: int | None
    spread: float | None
    apart: float | None


def recipes_of(optimizer: Optimizer, parameters: Sequence[Tensor]) -> list[Recipe] | None:
    """The recipe of each parameter; None when a number lies on a device, where reading it would wait."""
    known: dict[int, Recipe] = {}
    for group in optimizer.param_groups:
        rate, decay = _number(group.get("lr")), _number(group.get("weight_decay", 0.0))
        if rate is None or decay is None:
            return None
        recipe = Recipe(
            rate=rate,
            decay=decay,
            sign=-1.0 if group.get("maximize") else 1.0,
            power=2 if isinstance(optimizer, SGD) else 1 if isinstance(optimizer, _SCALED) else None,
            spread=_spread(optimizer, group),
            apart=_apart(optimizer, group, decay),
        )
        known.update((id(p), recipe) for p in group["params"])
    return [known[id(p)] for p in parameters]


def _spread(optimizer: Optimizer, group: dict[str, object]) -> float | None:
    if type(optimizer) is not SGD or group["nesterov"]:
        return None
    momentum, dampening = _number(group["momentum"]), _number(group["dampening"])
    if momentum is None or dampening is None or dampening >= 1:
        return None
    return (1.0 + momentum) / (1.0 - dampening) if momentum else 1.0  # without momentum torch does not dampen


def _apart(optimizer: Optimizer, group: dict[str, object], decay: float) -> float | None:
    if type(optimizer) not in (Adam, AdamW):
        return None
    return decay if type(optimizer) is AdamW or group.get("decoupled_weight_decay") else 0.0


def _number(value: object) -> float | None:
    if isinstance(value, Tensor):
        return float(value) if value.device.type == "cpu" else None
    return float(value) if isinstance(value, (int, float)) else None
