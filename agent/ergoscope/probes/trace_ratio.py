"""The trace of the Hessian against what plain SGD with small batches can hold."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor
from torch.optim import SGD, Optimizer

from ergoscope.remark import Remark, Remarks

_FIRST = "what SGD can hold is not measured: "


class TraceRatio:
    """ηTr(H)/(2B), where the job's steps are those of plain SGD on batches of B examples (Wu, Su 2023).

    Attributes:
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("sgd_trace_ratio",)

    def __init__(self, examples: int | None, *, passes: Callable[[], int]) -> None:
        """Prepare.

        Args:
            examples: In one backward pass, over all processes; None when not told.
            passes: Gives the backward passes of a usual step.
        """
        self.remarks = Remarks()
        self._examples = examples
        self._passes = passes

    def of(self, trace: float, optimizer: Optimizer | None) -> float | None:
        """The ratio; None where the optimizer or the batch is another, or not known, which the user is told once."""
        reason = "several optimizers move the parameters" if optimizer is None else _unlike(optimizer)
        if not reason and self._examples is None:
            reason = "the examples of a step are not known; watch(..., examples_per_backward=n) tells"
        if reason or optimizer is None or self._examples is None:
            self.remarks.tell(Remark(f"{_FIRST}{reason}", absent=True))
            return None
        return float(optimizer.param_groups[0]["lr"]) * trace / (2 * self._examples * self._passes())


def _unlike(optimizer: Optimizer) -> str:
    """Why steps are not those of plain SGD; empty when they are."""
    groups = optimizer.param_groups
    if type(optimizer) is not SGD:
        return f"{type(optimizer).__name__} is not plain SGD"
    if any(isinstance(group["lr"], Tensor) and group["lr"].device.type != "cpu" for group in groups):
        return "the learning rate lies on a device, and is not waited for"
    if len({float(group["lr"]) for group in groups}) > 1:
        return "groups of parameters have different learning rates"
    others = [name for name in ("momentum", "weight_decay", "maximize") if any(group[name] for group in groups)]
    return f"it is known for SGD without {', '.join(others)}" if others else ""
