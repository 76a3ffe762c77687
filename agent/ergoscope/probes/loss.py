"""The loss of a step: the scalar that the user's own backward call starts from."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.probes.probe import Reading

_HELD = 256  # losses of one step that are kept apart before they are summed


class LossProbe:
    """Mean of the losses that were sent backward since the last optimizer step.

    One backward call is one loss: of several roots the sum, of a root that is no scalar nothing. With gradient
    accumulation the mean is over the micro-batches, each as the user scaled it: a loop that divides its loss by their
    number reports that share. A loss multiplied by a GradScaler is divided by the scale again; the scaler is found
    on the call stack of the optimizer's step. Losses of a step that the scaler skipped count to the next one.
    """

    produces: ClassVar[tuple[str, ...]] = ("loss",)

    def __init__(self) -> None:
        """Begin with no loss seen."""
        self._held: list[Tensor] = []
        self._count = 0
        self._scale: Tensor | None = None  # of the job's scaler, once it is known
        self._unsure: list[tuple[int, Tensor, Tensor]] = []  # position of a loss, what it was multiplied by, quotient
        self._looks = 8  # call stacks that will be searched for a scaler

    def capture(self, roots: object) -> None:
        """Keep a copy of the scalars that a backward call was given; their graph is not kept."""
        if isinstance(roots, Tensor):
            value = self._unscaled(roots) if roots.numel() == 1 else None
        elif isinstance(roots, (list, tuple)):
            scalars = [r.detach().reshape(()) for r in roots if isinstance(r, Tensor) and r.numel() == 1]
            value = torch.stack(scalars).sum() if scalars else None
        else:
            value = None
        if value is not None:
            self._hold(value.reshape(()) if value.dim() else value)

    def _hold(self, value: Tensor) -> None:
        self._held.append(value)
        self._count += 1
        if len(self._held) >= _HELD:
            self._held = [torch.stack(self._held).sum()]
            self._unsure.clear()

    def _unscaled(self, loss: Tensor) -> Tensor:
        if self._scale is None and not self._looks:
            return loss.detach().clone()  # a job without a scaler
        factor = factor_of(loss)
        if factor is not None:
            if factor is self._scale:
                return loss.detach() / factor
            if self._scale is None:
                self._unsure.append((len(self._held), factor, loss.detach() / factor))
        return loss.detach().clone()

    def measure(self, moment: Moment | None = None) -> Reading | None:
        """The mean of the losses captured since the last call, whatever the optimizer."""
        del moment
        if self._unsure:
            self._resolve()
        if not self._count:
            return None
        held, count = self._held, self._count
        self._held, self._count = [], 0
        total = held[0] if len(held) == 1 else torch.stack(held).sum()
        return Reading([total], partial(_read, count))

    def _resolve(self) -> None:
        self._looks -= 1
        self._scale = find_scale()
        for position, factor, quotient in self._unsure:
            if factor is self._scale and position < len(self._held):
                self._held[position] = quotient.reshape(())
        self._unsure.clear()


def _read(count: int, values: Sequence[float], findings: Findings) -> None:
    findings.add_loss(values[0], count)
