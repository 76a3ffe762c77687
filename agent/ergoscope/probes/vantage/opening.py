"""An opportunity to multiply with a loss's Hessian at one step, and what makes use of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor
from torch.optim import Optimizer

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.fitted import Fitted
from ergoscope.curvature.ladder import How, Products
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remarks


@dataclass(slots=True)
class Label:
    """What numbers that come of an opening are to be called.

    how: how the products were obtained; where that needs to be verified it is known once the reading is read.
    batch, over: on which batch and over which parameters; parts of a sentence.
    """

    how: How
    batch: str
    over: str


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """Products at the weights as they are, for as long as `Instrument.look` runs.

    products: with the Hessian of the loss, and its gradient.
    block: over which parameters; without a name it is the whole model.
    factor: what makes the loss's Hessian that of the optimizer's objective.
    fixed: whether the batch is the user's own, which stays; else it is the training's of this step.
    optimizer: the only one that moves the parameters; None where there are several.
    label: how it is called.
    custom: names of the job's own functions in the graph that nobody has vouched for.
    doubt: no dimensions; how far the products are from differences of gradients, where there are such functions.
    drift: no dimensions; how far a forward pass that was run again is from the job's own, in parts of what rounding
        explains, where there was one.
    beside: the gradient, shape (size,), at the weights moved by a vector of that shape; None where the batch does not
        stay.
    fitted: opens products with the Gauss-Newton part of the same Hessian; likewise.
    """

    products: Products
    block: Block
    factor: Tensor | float
    fixed: bool
    optimizer: Optimizer | None
    label: Label
    custom: frozenset[str] = frozenset()
    doubt: Tensor | None = None
    drift: Tensor | None = None
    beside: Callable[[Tensor], Tensor] | None = None
    fitted: Callable[[], AbstractContextManager[Fitted]] | None = None


class Instrument(Protocol):
    """Makes readings of what an opening shows.

    Attributes:
        steady: Whether it needs a batch that stays; it is then never shown another.
        idle: Whether it has given up and is to be shown nothing more.
        vectors: Of the block's size, that are held at once.
        turn: Which block is looked at: the how manieth of all, beginning again after the last.
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]]
    steady: ClassVar[bool]
    idle: bool
    vectors: int
    turn: int
    remarks: Remarks

    def look(self, opening: Opening) -> Reading | None:
        """Make products, without waiting for the device; None when there is nothing to read yet."""
        ...

    def forget(self) -> None:
        """Begin anew: what was seen so far was wrong, or of other parameters."""
        ...
