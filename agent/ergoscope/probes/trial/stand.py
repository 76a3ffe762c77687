"""A batch at the weights as they are: its loss, the slope of that, and the loss beside them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ergoscope.curvature.differences import moved
from ergoscope.curvature.guard import guarded
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.parts import join


class Stand:
    """Runs a batch once with its backward pass, and again as often as it is asked.

    The graph is built each time, so that the same kernels run, and dropout draws the same masks: weights that did not
    change have the same loss.

    Attributes:
        parameters: Those that are trained.
        loss: F(w), fp64 (fp32 on Apple's devices), without dimensions, on the device.
        gradient: G, shape (size,).
    """

    def __init__(
        self, objective: Objective, parameters: Sequence[Tensor], *, seed: int, see: Callable[[Tensor], None]
    ) -> None:
        """Run the batch, and leave no trace in the job.

        Args:
            objective: The batch.
            parameters: Those that are trained, on one device.
            seed: Of every random draw.
            see: Called with the loss and its graph.

        Raises:
            ValueError: The objective gives no loss, or one that cannot be differentiated.
        """
        self.parameters = tuple(parameters)
        self._objective = objective
        self._seed = seed
        with guarded(objective.model, seed=seed), torch.enable_grad():
            loss = objective.mean()
            if not loss.requires_grad:
                raise ValueError("its loss depends on no parameter that is trained")
            see(loss)
            self.gradient = join(torch.autograd.grad(loss, self.parameters, allow_unused=True), self.parameters)
        self.loss = loss.detach()

    def rise(self) -> Tensor:
        """How far the loss of the batch is above F(w) by now."""
        with guarded(self._objective.model, seed=self._seed), torch.enable_grad():
            return self._objective.mean().detach() - self.loss

    def rise_after(self, nudge: Tensor) -> Tensor:
        """F(w + e) − F(w) with the weights moved by e, shape (size,), and put back to the last bit."""
        with moved(self.parameters, nudge):
            return self.rise()
