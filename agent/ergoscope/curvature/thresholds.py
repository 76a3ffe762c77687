"""The largest curvature that an optimizer holds at its settings: beyond it a quadratic is left in growing swings.

| optimizer, as in torch | operator | threshold on its largest eigenvalue |
|---|---|---|
| SGD | H | 2/η |
| SGD, momentum β | H | 2(1 + β)/η |
| SGD, momentum β, dampening δ | H | 2(1 + β)/((1 − δ)η) |
| SGD, Nesterov | H | 2(1 + β)/((1 + 2β)η) |
| Adam, AMSGrad, AdamW with λ = 0 | P⁻¹H | 2(1 + β₁)/((1 − β₁)η) |
| AdamW | P⁻¹H | (2 − ηλ)(1 + β₁)/((1 − β₁)η) |
| NAdam | P⁻¹H | 2(1 + β₁)/((1 − β₁)(1 + 2β₁)η) |
| RMSprop | P⁻¹H | 2/η |
| RMSprop, momentum β | P⁻¹H | 2(1 + β)/η |

A decay λ that goes through the gradient adds to H: H + λI, and clipping by a factor c leaves cH + λI. Groups with
different settings are brought to one threshold by `ergoscope.curvature.precondition`. Derived in
`ergoscope.curvature.reach`; what is not in the table has no threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch.optim import SGD, Optimizer

from ergoscope.curvature.reach import PRECONDITIONED, Group, coupled, number, obstacle, on_device, reach

HELD = "exact for a quadratic under full-batch steps at these settings; small batches lose stability earlier"
FROZEN = HELD + ". The second moment is taken as it stands, which is wrong while it still changes within few steps"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where the edge lies, or why it is not known.

    operator: of which matrix the largest eigenvalue is meant: the Hessian of the objective, or SHS with S = P^(−1/2)
        as `ergoscope.curvature.precondition` gives it. Where the optimizer maximizes, both with −H for H.
    value: in the unit of the eigenvalue; None where there is none.
    band: where batch sharpness settles under SGD with momentum, from small to large batches (an experimental
        finding); None elsewhere.
    validity: what the value rests on, or why it is None.
    shift: what weight decay adds to the eigenvalue of the Hessian before it is compared.
    ascent: whether the optimizer maximizes.
    """

    operator: Literal["hessian", "preconditioned"]
    value: float | None
    band: tuple[float, float] | None
    validity: str
    shift: float = 0.0
    ascent: bool = False

    def ratio(self, top: float) -> float | None:
        """Share of the threshold that a largest eigenvalue makes up; 1 is the edge.

        Example:
            >>> Threshold("hessian", value=20.0, band=None, validity="").ratio(10.0)
            0.5
        """
        return None if self.value is None else (top + self.shift) / self.value


def threshold(kind: type[Optimizer], groups: Sequence[Group], *, clip: float = 1.0) -> Threshold:
    """The threshold of an optimizer with all of its groups.

    Args:
        kind: Its very class, `type(optimizer)`.
        groups: Its `param_groups`. A number that lies on a device must be read before: `{**group, "lr": rate}`.
        clip: The factor by which clipping has multiplied the gradient, above 0. It scales what H adds to the gradient
            and not the decay, so c·λ₁(H) + λ is compared with the table's value.

    Raises:
        ValueError: `clip` is not above 0.

    Example:
        >>> group = {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0}
        >>> round(threshold(SGD, [group]).value, 6)
        38.0
    """
    if not clip > 0:
        raise ValueError(f"clip is {clip}; it must be above 0")
    uneven = len({_settings(group) for group in groups}) > 1 if kind is SGD else False
    operator: Literal["hessian", "preconditioned"] = "preconditioned" if kind in PRECONDITIONED or uneven else "hessian"
    reason = why_none(kind, groups)
    if reason:
        return Threshold(operator, None, None, reason)
    first = groups[0]
    value = 2.0 / (float(reach(kind, first)) * clip)
    return Threshold(
        operator,
        value,
        None if uneven else _band(kind, first, value),
        FROZEN if kind in PRECONDITIONED else HELD,
        float(coupled(kind, first)) / clip if operator == "hessian" else 0.0,
        bool(first.get("maximize")),
    )


def why_none(kind: type[Optimizer], groups: Sequence[Group]) -> str:
    """Why there is no threshold; empty when there is one."""
    if not groups:
        return "the optimizer has no parameters"
    for group in groups:
        if on_device(group):
            return "a setting lies on a device; read it first"
        reason = obstacle(kind, group)
        if reason:
            return reason
    if len({bool(group.get("maximize")) for group in groups}) > 1:
        return "some groups maximize and others do not"
    return ""


def _settings(group: Group) -> tuple[object, ...]:
    names = ("lr", "momentum", "dampening", "nesterov", "weight_decay")
    return tuple(number(group[name]) if group.get(name) is not None else None for name in names)


def _band(kind: type[Optimizer], group: Group, value: float) -> tuple[float, float] | None:
    if kind is not SGD or not group["momentum"] or group["nesterov"]:
        return None
    momentum = float(number(group["momentum"]))
    return value * (1.0 - momentum) / (1.0 + momentum), value
