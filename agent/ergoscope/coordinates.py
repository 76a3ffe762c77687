"""Running means over a fixed sample of a gradient's entries, for runs whose gradient comes in one piece."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.hearing.clipping import Cuts
from ergoscope.layers import Moment
from ergoscope.numerics.histogram import stride

LIMIT = 65_536  # entries kept of all layers together
DECAY = 0.9  # a memory of 10 readings


@dataclass(frozen=True, slots=True)
class Means:
    """0-dim fp32 tensors: ‖m‖² and Σ v of the running means scaled up to all entries, and Σ w and Σ w² of weights."""

    mean: Tensor
    square: Tensor
    weight: Tensor
    weights: Tensor


class Coordinates:
    """Running means of g and of g² over a sample of entries.

    Of each layer every n-th entry in the order of memory is taken, with n such that no row or column is favoured, and
    stands for as many as there are to one taken. The sample is the same at each reading; it begins anew when other
    layers have gradients. A reading that is not finite is left out.
    """

    def __init__(self, *, limit: int = LIMIT) -> None:
        """Begin without a reading."""
        self._limit = limit
        self._layout = -1
        self._steps: list[int] = []
        self._shares: list[int] = []
        self._state: list[Tensor] = []
        self._of_layer = torch.empty(0, dtype=torch.int64)

    @property
    def size(self) -> int:
        """Entries in the sample."""
        return sum(self._shares)

    def add(self, moment: Moment, cuts: Cuts | None) -> Means | None:
        """Take the gradient in, as it was before clipping; None where it is sparse, complex or on several devices."""
        if moment.layout.grad_dtype is None:
            return None
        if moment.layout.number != self._layout:
            self._begin(moment)
        taken = torch.cat([_flat(g)[::n] for g, n in zip(moment.grads, self._steps, strict=True)]).float()
        if cuts is not None:
            taken = taken / cuts.products(taken.device)[self._of_layer]
        counts, mean, square, weight, weights = self._state
        finite = torch.isfinite(taken).all()
        take = finite * (1.0 - DECAY)
        keep = 1.0 - take
        taken = torch.where(finite, taken, 0.0)
        mean.mul_(keep).add_(taken * take)
        square.mul_(keep).add_(taken.square() * take)
        weight.mul_(keep).add_(take)
        weights.mul_(keep.square()).add_(take.square())
        return Means((counts * mean.square()).sum(), (counts * square).sum(), weight.clone(), weights.clone())

    def _begin(self, moment: Moment) -> None:
        self._layout = moment.layout.number
        total = max(sum(g.numel() for g in moment.grads), 1)
        limits = [max(1, self._limit * g.numel() // total) for g in moment.grads]
        self._steps = [stride(g.numel(), n) for g, n in zip(moment.grads, limits, strict=True)]
        self._shares = [-(-g.numel() // n) for g, n in zip(moment.grads, self._steps, strict=True)]
        device = moment.grads[0].device
        shares = torch.tensor(self._shares)
        each = torch.tensor([g.numel() / n if n else 0.0 for g, n in zip(moment.grads, self._shares, strict=True)])
        counts = _send(each.repeat_interleave(shares), device)
        self._of_layer = _send(torch.arange(len(each)).repeat_interleave(shares), device)
        zero = torch.zeros((), device=device)
        self._state = [counts, torch.zeros_like(counts), torch.zeros_like(counts), zero, zero.clone()]


def _send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to a device without waiting for it."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _flat(tensor: Tensor) -> Tensor:
    if not tensor.is_contiguous():  # in the order of memory a dense tensor is flattened without a copy
        tensor = tensor.permute(sorted(range(tensor.dim()), key=tensor.stride, reverse=True))
    return tensor.reshape(-1)
