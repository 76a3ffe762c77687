"""A step's own batch: its loss as a function of the weights, and the gradient that the job itself makes of it."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.guard import guarded, modes_kept
from ergoscope.curvature.parts import join
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.tail import seam
from ergoscope.hearing.criterion import criterion_of
from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.shards import local

UNLIKE = (
    "its loss is not one cross-entropy or squared error, computed by torch itself, of the model's output, and the "
    "model does not give it"
)


class OwnBatch:
    """Heard while the job goes backward once, and run once more when the weights have moved.

    The gradient is what the job's own pass leaves in the parameters, before anything is done to it. What would make it
    another one is refused, or shows in what comes with it: gradients of earlier passes that it is added to.

    Attributes:
        run: The forward pass, without its outputs.
        gradient: Of the loss as it was sent backward, shape (size,), at least fp32. This and what follows is on the
            device, and there once the pass is over.
        level: Up to `factor` the loss: the mean of what it adds up, in fp64.
        misfit: How far the slope of level times factor is from the job's own, a share.
        before: The largest entry of gradients that were there before the pass; 0 where there were none.
    """

    gradient: Tensor
    level: Tensor
    misfit: Tensor

    def __init__(self, loss: Tensor, run: Pass, parameters: Sequence[Tensor], answered: Sequence[Tensor]) -> None:
        """The job is about to go backward.

        Args:
            loss: From which.
            run: The forward pass that it came from.
            parameters: Those that are trained.
            answered: Those of them whose gradients are taken, of distributed ones the part that is here.

        Raises:
            ValueError: The loss cannot be told at other weights, or gradients go elsewhere than into the parameters.
        """
        found, _ = seam(loss, run, parameters)
        (self._chosen, edge), *others = found.items()
        output = run.outputs[self._chosen].value
        with modes_kept():
            criterion = None if others else criterion_of(loss, output)
        if criterion is None:
            raise ValueError(UNLIKE)
        if any(p._post_accumulate_grad_hooks for p in parameters):
            raise ValueError("a parameter has hooks of the job's own")
        self.run = replace(run, outputs=())
        self._criterion, self._trained, self.parameters = criterion, tuple(parameters), tuple(answered)
        self._versions = versions(self._trained)
        self.before = _largest([p.grad for p in answered if p.grad is not None], loss)
        self._scale = factor_of(loss)
        self._ends: tuple[Tensor, Tensor] | None = (output, loss.detach().reshape(()))
        self._slope: Tensor | None = None  # of the loss at the model's output, as the job's own pass has it
        self._place = edge.output_nr
        self._handle = edge.node.register_prehook(self._see)

    def _see(self, gradients: tuple[Tensor | None, ...]) -> None:
        self._slope = gradients[self._place]  # of several passes through the graph, ours among them, the last counts

    def let_go(self) -> None:
        """Hear no more of the pass."""
        self._handle.remove()
        self._slope = self._ends = None

    def take(self) -> None:
        """The pass is over: take its gradient.

        Raises:
            ValueError: It is not in the parameters.
        """
        slope, ends = self._slope, self._ends
        self.let_go()
        if slope is None or ends is None:
            raise ValueError("the backward pass does not go through the model's output")
        if self._versions != versions(self._trained):
            raise ValueError("parameters change while the backward pass runs")
        gradients = [p.grad for p in self.parameters]
        if gradients and all(g is None for g in gradients):
            raise ValueError("the backward pass leaves no gradient in the parameters that the optimizer moves")
        with modes_kept(), torch.no_grad():
            self.level, self._factor, self.misfit = self._criterion.misfit(*ends, slope)
            mine = [None if g is None else local(g) for g in gradients]
            self.gradient = join(mine, self.held) if mine else self.level.new_zeros(0)

    def hand_over(self) -> Tensor:
        """Give the gradient away, so that it is not kept for as long as the batch is."""
        gradient = self.gradient
        del self.gradient
        return gradient

    @property
    def held(self) -> list[Tensor]:
        """What this process holds of the parameters whose gradients are taken."""
        return [local(p) for p in self.parameters]

    @property
    def given(self) -> list[Tensor]:
        """Their gradients as they are now."""
        return [torch.zeros_like(local(p)) if p.grad is None else local(p.grad) for p in self.parameters]

    @property
    def scale(self) -> Tensor | None:
        """What a GradScaler has multiplied the loss by; right while a step is about to be made."""
        return self._scale if self._scale is not None and find_scale() is self._scale else None

    @property
    def factor(self) -> Tensor:
        """What the level is multiplied by in the loss that was sent backward."""
        return self._factor

    @property
    def altered(self) -> bool:
        """Whether what the model was given, or the targets, were written over since."""
        return self.run.altered or self._criterion.altered

    def again(self) -> Tensor:
        """Run the model once more, and leave no trace in the job: the level at the weights as they are, on the device.

        The graph is built, so that the same kernels run.

        Raises:
            ValueError: The batch is no longer what it was.
        """
        if self.altered:
            raise ValueError("the batch is written over before the step is done")
        with guarded(self.run.model), torch.enable_grad():
            return self.level_again()

    def level_again(self) -> Tensor:
        """Run the model once more, inside a guard; NaN where the batch is no longer what it was."""
        altered, outputs = self.altered, tensors_in(self.run.again())
        if altered:
            return torch.full((), torch.nan, device=outputs[self._chosen].device)
        return self._criterion.level(outputs[self._chosen]).detach()


def versions(parameters: Sequence[Tensor]) -> list[int]:
    """How often parameters, or what this process holds of them, were written to."""
    return [p._version + local(p)._version for p in parameters]


def _largest(gradients: Sequence[Tensor], like: Tensor) -> Tensor:
    entries = [local(g) for g in gradients if local(g).numel()]
    if not entries:
        return torch.zeros((), device=like.device)
    with torch.no_grad():
        return torch.stack([one.float() for one in torch._foreach_norm(entries, torch.inf)]).max()
