"""Which way to Hessian-vector products a loss allows, and what a result of it may be called.

From the surest to the dearest: the job's own graph; one more forward pass, where the graph may be gone through but once
or is compiled; differences of gradients, where the model cannot be differentiated twice; else none, and the reason. A
model with Python functions of somebody's own may drop curvature without a word, so what comes of it is compared once
with a difference of gradients.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor

from ergoscope.curvature.differences import replayed_differences
from ergoscope.curvature.graph import Obstacle, Survey, objection, survey
from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.live import live_products
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.replay import rehearse, replayed_products
from ergoscope.curvature.tail import Tail

_FAR = 0.02  # relative difference beyond which two ways do not agree: differences of gradients are good to 1e-3


class How(StrEnum):
    """How a number of curvature was obtained."""

    EXACT = "exact"
    REPLAYED = "replayed"
    DIFFERENCE = "finite difference"
    UNVERIFIED = "unverified"


class Products(Protocol):
    """Products with a Hessian, and the gradient of the same loss."""

    gradient: Tensor

    def __call__(self, vector: Tensor) -> Tensor:
        """Give H v, shape (size,)."""
        ...


@dataclass(frozen=True, slots=True)
class Obtained:
    """Products, and how they were obtained.

    custom: names of functions of the job's own that they go through and nobody has vouched for.
    doubt: no dimensions; how far they are from differences of gradients, where there are such functions.
    drift: no dimensions; how far a forward pass that was run again is from the job's own, see `Rehearsal`.
    """

    products: Products
    how: How
    custom: frozenset[str] = frozenset()
    doubt: Tensor | None = None
    drift: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A way that is open, or the reason why none is: then `how` is None.

    deaf: whether one would be open had the forward pass been heard.
    """

    how: How | None
    survey: Survey
    reason: str = ""
    deaf: bool = False


def choose(loss: Tensor, run: Pass | str, parameters: Sequence[Tensor]) -> Way:
    """Choose the way for a loss.

    Args:
        loss: As the job is about to go backward from it.
        run: The forward pass it came from, or why that is not known; empty when nobody has listened.
        parameters: Over which the Hessian is taken.
    """
    found = survey(loss, parameters)
    reason: str = found.obstacle
    if reason and found.obstacle not in (Obstacle.COMPILED, Obstacle.DROPOUT):
        return Way(None, found, reason)
    if any(p.layout is not torch.strided for p in parameters):
        return Way(None, found, "a parameter is sparse")
    reason = reason or objection(loss)
    if not reason:
        return Way(How.EXACT, found)
    if isinstance(run, str):
        return Way(None, found, f"{reason}; nor can its forward pass be repeated: {run or _UNHEARD}", deaf=not run)
    if found.obstacle is Obstacle.COMPILED and run.drew:
        return Way(None, found, _OTHER_DRAWS)
    return Way(How.DIFFERENCE if found.obstacle is Obstacle.DROPOUT else How.REPLAYED, found)


_UNHEARD = "it was not heard"
_OTHER_DRAWS = (
    "the model is compiled and draws random numbers, as for dropout: run as it is written it would draw others"
)


@contextmanager
def products(
    way: Way,
    loss: Tensor,
    run: Pass | str,
    parameters: Sequence[Tensor],
    *,
    trusted: frozenset[str] = frozenset(),
    differences: bool = False,
) -> Iterator[Obtained]:
    """Take products in the chosen way while the context lasts.

    Args:
        way: As `choose` gave it for what follows.
        loss: As the job is about to go backward from it.
        run: The forward pass it came from, or why that is not known.
        parameters: Over which the Hessian is taken.
        trusted: Names of Python functions whose second derivatives were found to be right.
        differences: Take differences of gradients where a forward pass is repeated, because second derivatives were
            found to be wrong.

    Raises:
        ValueError: No way is open, or it turned out not to be.
    """
    if way.how is How.EXACT:
        with live_products(loss, parameters, way.survey) as exact:
            yield Obtained(exact, How.EXACT)
    elif way.how is None or isinstance(run, str):
        raise ValueError(f"no way to second derivatives is open: {way.reason or 'the forward pass was not heard'}")
    else:
        tail = Tail.of(loss, run, parameters)
        once = differences or way.how is How.DIFFERENCE
        with _repeated(tail, run, parameters, trusted=trusted, once=once) as obtained:
            yield obtained


@contextmanager
def _repeated(
    tail: Tail, run: Pass, parameters: Sequence[Tensor], *, trusted: frozenset[str], once: bool
) -> Iterator[Obtained]:
    """Take products through one more forward pass; with `once` the model is differentiated but once."""
    seen = rehearse(tail, run, parameters)
    found = seen.survey
    if found.obstacle not in (Obstacle.NONE, Obstacle.DROPOUT):
        raise ValueError(found.obstacle)
    custom = frozenset(found.custom) - trusted
    if once or found.obstacle:
        with replayed_differences(tail, run, parameters) as apart:
            yield Obtained(apart, How.DIFFERENCE, drift=seen.drift)
        return
    with replayed_products(tail, run, parameters) as again:
        if not custom:
            yield Obtained(again, How.REPLAYED, drift=seen.drift)
            return
        with replayed_differences(tail, run, parameters) as apart:
            product = _tried(again)
            if product is None:
                yield Obtained(apart, How.DIFFERENCE, drift=seen.drift)
                return
            doubt = disagreement(product, apart(again.gradient))
        yield Obtained(again, How.UNVERIFIED, custom, doubt, seen.drift)


def _tried(again: Products) -> Tensor | None:
    """The product with the gradient; None when a function of the job's own fails at a second derivative."""
    try:
        return again(again.gradient)
    except Exception as error:  # its backward pass is anybody's code
        if ran_out_of_memory(error):
            raise
        return None


def disagreement(one: Tensor, other: Tensor) -> Tensor:
    """Relative difference of a product by two ways, no dimensions, without waiting for it."""
    apart, size = torch.linalg.vector_norm(one - other), torch.linalg.vector_norm(other)
    share: Tensor = apart / size.clamp_min(torch.finfo(other.dtype).tiny)
    return share


def agrees(difference: float) -> bool:
    """Whether two ways agree as well as differences of gradients can tell; not when the difference is no number."""
    return difference <= _FAR
