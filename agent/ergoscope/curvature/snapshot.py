"""A model's weights and buffers as they were at one moment, gone back to for a while and left without a trace."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ergoscope.curvature.guard import guarded
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.parts import split


class Snapshot:
    """Where a model was, so that a loss can be taken there and around it while the training goes on.

    Weights are moved in place, since a loss may use them by more ways than through the model, and put back from a copy,
    to the last bit, whatever happened. No graph sees that: their versions stay as they are. Two copies of the weights
    are held, of which one is empty between visits.

    Attributes:
        parameters: Those that were kept.
        weights: Their content at that moment.
        objective: The loss on the fixed batch, with the buffers as they were then.
        normalises: Whether layers of the model normalise by the statistics of the batch, and could do so by running
            ones.
    """

    def __init__(self, objective: Objective, parameters: Sequence[Tensor]) -> None:
        """Keep the present.

        Args:
            objective: The loss on the fixed batch.
            parameters: Those that training changes, dense; all others are taken to stay as they are.
        """
        self._given = objective
        self.parameters = tuple(parameters)
        self.weights = [p.detach().clone() for p in parameters]
        self._aside = [torch.empty_like(weight) for weight in self.weights]
        self._buffers = {n: b.detach().clone() for n, b in objective.model.named_buffers() if not b.is_inference()}
        self.objective = replace(objective, evaluate=partial(self._evaluate, running=False))
        self.normalises = any(layer.training for layer in _normalising(objective.model))

    @contextmanager
    def visited(self) -> Iterator[None]:
        """Have the weights of the snapshot while the context lasts, and then those of now again."""
        now = [p.data for p in self.parameters]
        torch._foreach_copy_(self._aside, now)
        try:
            torch._foreach_copy_(now, self.weights)
            yield
        finally:
            torch._foreach_copy_(now, self._aside)  # one call, so that no signal's handler comes between two weights

    def move(self, axes: Sequence[Tensor], offsets: Sequence[float]) -> None:
        """While it is visited, go to the weights plus offsets times axes, each rounded once.

        Args:
            axes: Each of shape (size,).
            offsets: As many.
        """
        pieces = [split(axis, self.parameters) for axis in axes]
        for place, (parameter, weight) in enumerate(zip(self.parameters, self.weights, strict=True)):
            there = weight
            for parts, offset in zip(pieces, offsets, strict=True):
                there = torch.add(there, parts[place], alpha=offset)
            parameter.data.copy_(there)

    def loss(self, *, seed: int, running: bool = False) -> Tensor:
        """The mean loss where the weights are now, while it is visited.

        Args:
            seed: Of every random draw, so that equal seeds mean equal masks.
            running: Let layers normalise by their running statistics.

        Returns:
            fp64 (fp32 on Apple's devices) without dimensions, on the device, not waited for.

        Raises:
            ValueError: The user's function gives no losses.
        """
        objective = replace(self._given, evaluate=partial(self._evaluate, running=running))
        with guarded(objective.model, seed=seed), torch.no_grad():
            return objective.mean().detach()

    def _evaluate(self, model: nn.Module, *, running: bool) -> object:
        """Run the batch under the guard, which puts buffers and modes back."""
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                kept = self._buffers.get(name)
                if kept is not None and kept.shape == buffer.shape:  # one of another shape holds no state, but a cache
                    buffer.copy_(kept)
        if running:
            for layer in _normalising(model):
                layer.eval()
        return self._given.evaluate(model)


def _normalising(model: nn.Module) -> list[nn.Module]:
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._NormBase) and module.running_mean is not None
    ]
