"""Openings on the training's own batch, in the backward pass that the training makes anyway."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median_low

from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.guard import modes_kept
from ergoscope.curvature.ladder import choose, products
from ergoscope.hearing.backward import FirstBackward, Origin
from ergoscope.hearing.listening import Guard
from ergoscope.numerics.scaling import factor_of, find_scale
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.trust import Trust

_STEPS = 4  # whose backward passes are remembered
ASK = "with a fixed batch of your own, watch(..., probe=batch, loss_fn=loss), it can be measured"


class LiveBatch:
    """Looks through the graph that the job is about to go backward through, in the first backward pass of a step.

    With several passes a step that one stands for all: it is multiplied by their usual number, so that the Hessian is
    that of the sum which the optimizer uses. A step that calls a closure makes each of its passes anew. Where a second
    pass through the graph might be noticed by the job, or is not possible, the step's forward pass is run once more;
    such passes are heard from the first look on that shows this. Where that might be noticed as well nothing is done.

    Attributes:
        closure: Whether the first optimizer's steps go backward themselves.
    """

    def __init__(self, model: nn.Module, trust: Trust) -> None:
        """Begin without having heard a pass of `model`, which is as the user has it."""
        self.closure = False
        self._trust = trust
        self._backward = FirstBackward(model)
        self._repeats = False  # whether a look needs the forward pass
        # Backward passes of the last steps: a GradScaler may leave out one.
        self._before: deque[int] = deque(maxlen=_STEPS)
        self._factor: Tensor | None = None  # what the loss was multiplied by last
        self._scales: bool | None = None  # whether that is a GradScaler's; not known before the first step

    def listen(self, guard: Guard) -> None:
        """Hear forward passes through `guard`."""
        self._backward.listen(guard)

    @property
    def usual(self) -> int:
        """Backward passes of a usual step, each of which adds to the gradient."""
        return 1 if self.closure or not self._before else median_low(self._before)

    def stepped(self, passes: int, *, wanted: bool) -> None:
        """A step is over, after so many backward passes; `wanted` if the next one is to be looked at."""
        self._before.append(max(passes, 1))
        if wanted:
            self._backward.open(forward=self._repeats)
        else:
            self._backward.close()

    def deafen(self) -> None:
        """Hear no more, neither forward passes nor whether the job puts hooks on gradients."""
        self._backward.close()

    def measured(self) -> None:
        """The step's probes run: now it shows whether a factor of the loss was a GradScaler's."""
        if self._factor is not None:
            self._scales, self._factor = find_scale() is self._factor, None

    def hear(self, roots: object, *, number: int, plain: bool) -> Origin | None:
        """Give what is to be looked at in a backward pass; None when it is nothing.

        Args:
            roots: What `torch.autograd.backward` was given.
            number: The how manieth pass of the step it is, from 1.
            plain: Whether it is not compiled, and given nothing else that changes what comes out.

        Raises:
            ValueError: In this job there will be nothing.
        """
        try:
            return self._backward.take(roots, number=number, plain=plain)
        except ValueError as error:
            raise ValueError(f"{error}; {ASK}") from error

    @contextmanager
    def open(self, heard: Origin, block: Block, over: str, optimizer: Optimizer) -> Iterator[Opening | None]:
        """Open the graph of a loss over a block, called `over`; None when the next look will see more.

        That is as long as the loss's scale is not known, and when only its forward pass, run again, allows it and
        nobody has listened to that.

        Raises:
            ValueError: The graph does not allow it.
        """
        loss = heard.loss
        way = choose(loss, heard.run, block.parameters)
        if way.how is None and not way.deaf:
            raise ValueError(f"{way.reason}; {ASK}")
        if way.deaf:
            self._repeats = True
            yield None
            return
        self._factor = factor_of(loss)
        if self._factor is not None and self._scales is None:
            yield None
            return
        usual = self.usual
        factor = usual / self._factor if self._factor is not None and self._scales else float(usual)
        batch = "the training's own batch"
        if usual > 1:
            batch += f", of one of {usual} backward passes a step, times {usual}"
        trust = self._trust
        with (
            modes_kept(),
            products(
                way, loss, heard.run, block.parameters, trusted=trust.functions, differences=trust.differences
            ) as got,
        ):
            label = Label(got.how, batch, over)
            yield Opening(got.products, block, factor, False, optimizer, label, got.custom, got.doubt, got.drift)
