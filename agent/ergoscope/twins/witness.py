"""Looks at a twin while it trains: the loss of each probe example, and sketches of the weights, at equal steps."""

import atexit
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.objective import Objective
from ergoscope.fence import Fence
from ergoscope.layers import name_parameters
from ergoscope.numerics.sketch import Sketcher
from ergoscope.twins.asked import Asked
from ergoscope.twins.dataset import times_used
from ergoscope.twins.record import TwinRecord

FEW = 61  # numbers in the sketch of one layer
MOST = 4096  # looks kept; then every other one is dropped, in all twins alike
EACH = "loss_fn must give the loss of each example of the probe, shape (n,)"


class Witness:
    """Keeps what it sees in memory and writes it when the process ends; training stays the same, bit for bit."""

    def __init__(self, model: nn.Module, objective: Objective | None, asked: Asked, *, start_step: int = 0) -> None:
        """Prepare to look at a model.

        Args:
            model: Whose weights are looked at.
            objective: Runs the fixed batch; None where the script gave none, and then nothing is kept.
            asked: How often, and where to write.
            start_step: Steps done before.
        """
        self._objective, self._path = objective, Path(asked.path)
        names = name_parameters(model)
        self._weights = {names[id(p)]: p for p in model.parameters()}
        self._whole, self._small = Sketcher(), Sketcher(buckets=FEW)
        self._step, self._every = start_step, asked.every
        self._looks: list[tuple[int, Tensor, Tensor, Tensor]] = []
        self._trouble = ""
        self.fence = Fence(report=self._note, clock=time.perf_counter, limit=1)

    def stepped(self) -> None:
        """The optimizer has stepped."""
        self._step += 1
        if self._objective is not None and not self._step % self._every:
            self._look(self._objective)

    def save(self) -> None:
        """Write what was seen; nothing where nothing was."""
        if not self._looks:
            return
        steps, losses, sketches, layers = zip(*self._looks, strict=True)
        TwinRecord(
            np.array(steps, dtype=np.int64),
            _stacked(losses),
            _stacked(sketches),
            tuple(self._weights),
            _stacked(layers),
            times_used(),
            self._trouble,
        ).save(self._path)

    def _look(self, objective: Objective) -> None:
        losses = objective.losses(seed=self._step)  # equal masks in all twins
        if not isinstance(losses, Tensor) or losses.dim() != 1:
            raise ValueError(EACH)
        with torch.no_grad():
            whole = self._whole.sketch(list(self._weights), list(self._weights.values()))
            layers = [self._small.sketch([name], [p]) for name, p in self._weights.items()]
        if whole is None:
            return
        nothing = torch.zeros(FEW)
        small = torch.stack([nothing if one is None else one.cpu() for one in layers])
        self._looks.append((self._step, losses.cpu(), whole.cpu().clone(), small))
        if len(self._looks) >= MOST:
            self._every *= 2
            self._looks = [look for look in self._looks if not look[0] % self._every]

    def _note(self, text: str, last: bool) -> None:
        del last
        self._trouble = text


def bear_witness(
    model: nn.Module, optimizer: Optimizer | Sequence[Optimizer], objective: Objective | None, asked: Asked, start: int
) -> Witness:
    """Look at a twin from now on, and write at the end of the process."""
    witness = Witness(model, objective, asked, start_step=start)
    first = optimizer if isinstance(optimizer, Optimizer) else optimizer[0]
    stepped = witness.fence.guard(witness.stepped)
    first.register_step_post_hook(lambda *_: stepped())
    atexit.register(witness.fence.guard(witness.save))
    return witness


def _stacked(parts: Sequence[Tensor]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(torch.stack(list(parts)).double().numpy())
