"""One step of all the optimizers of a job."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.reach import KNOWN, Number, coupled, number
from ergoscope.curvature.room import needed, spare
from ergoscope.layers import Moment
from ergoscope.probes.trial.passage import Passage
from ergoscope.shards import local

UNEVEN = "the optimizers do not step equally often"
_MISSES = 3  # steps in a row, after which no other is expected to be over in time
_VECTORS = 5  # of the parameters' size at once: gradient, nudge, a copy of the weights, and what is on the way


class Stepping:
    """Lasts from before the first optimizer's step until each has stepped, or until the first steps once more."""

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        """Prepare for the optimizers of a job, the first one's steps being the job's."""
        self.optimizers = tuple(optimizers)
        self._passage: Passage | None = None
        self._waiting: set[int] = set()  # ids of the optimizers that are to step before it is over
        self._fresh = False  # whether it was begun before the first optimizer's step that is made now
        self._missed = 0  # steps in a row that were not over before the first optimizer's next one

    @property
    def uneven(self) -> bool:
        """Whether the other optimizers step so much more rarely than the first that none is waited for any more."""
        return self._missed >= _MISSES

    @property
    def device(self) -> torch.device:
        """Where the first optimizer's parameters are."""
        return local(self.optimizers[0].param_groups[0]["params"][0]).device

    def begins(self, moment: Moment) -> bool:
        """Whether the optimizer that is about to step is the first; what was begun and is not over is forgotten."""
        first = moment.optimizer is self.optimizers[0]
        if first:
            self._miss()
        return first

    def stepped(self) -> None:
        """The first optimizer has stepped: what was begun before an earlier step of it is forgotten."""
        if not self._fresh:
            self._miss()
        self._fresh = False

    def trained(self, *, vectors: int = _VECTORS) -> list[Tensor]:
        """The parameters that are moved and can be differentiated.

        Args:
            vectors: Of their size, that are held at once.

        Raises:
            ValueError: There is no memory to look at them around a step, or a hook of the job's own would see that.
        """
        found = list(self._decays())
        if not found:
            raise ValueError("no parameter is trained")
        if any(p._backward_hooks for p in found):
            raise ValueError("a parameter has hooks of the job's own")
        device = found[0].device
        if spare(device) < needed(sum(local(p).numel() for p in found), vectors, device):
            raise ValueError("there is no memory for it")
        return found

    def decays(self, parameters: Sequence[Tensor]) -> list[Number]:
        """Of each parameter the λ of the penalty ½λ‖w‖² that its optimizer is known to lower with the loss."""
        known = self._decays()
        return [known[p] for p in parameters]

    def begin(self, passage: Passage) -> None:
        """See the step from here."""
        self._passage = passage
        self._waiting = {id(one) for one in self.optimizers}
        self._fresh = True

    def end(self, moment: Moment) -> Passage | None:
        """An optimizer has stepped: give what was begun, once it was the last."""
        self._waiting.discard(id(moment.optimizer))
        if self._waiting:
            return None
        passage, self._passage = self._passage, None
        if passage is not None:
            self._missed = 0
        return passage

    def forget(self) -> None:
        """Let go of what was begun."""
        self._passage = None
        self._missed = 0

    def rate(self) -> float:
        """The learning rate; 1 where it lies on a device, as that is not waited for."""
        rate = number(self.optimizers[0].param_groups[0]["lr"])
        return rate if isinstance(rate, float) else 1.0

    def _miss(self) -> None:
        if self._passage is not None:
            self._passage = None
            self._missed += 1

    def _decays(self) -> dict[Tensor, Number]:
        decays: dict[Tensor, Number] = {}
        for one in self.optimizers:
            for group in one.param_groups:
                decays.update((p, _decay(one, group)) for p in group["params"] if p.requires_grad)
        return decays


def _decay(optimizer: Optimizer, group: Mapping[str, object]) -> Number:
    """λ where the optimizer is known to add it to the gradient of a loss that it lowers."""
    known = type(optimizer) in KNOWN and not group.get("maximize")
    return coupled(type(optimizer), group) if known else 0.0
