"""Which way to Hessian-vector products a loss allows, and what a result of it may be called.

From the surest to the dearest: the job's own graph; one more forward pass, where the graph cannot be differentiated
twice; differences of gradients, where the model cannot; else none, and the reason. A graph with Python functions of
somebody's own may drop curvature without a word, so what comes of it is compared once with a difference of gradients.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import torch
from torch import Tensor

from ergoscope.curvature.differences import replayed_differences
from ergoscope.curvature.graph import Obstacle, Survey, survey
from ergoscope.curvature.live import live_products
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.replay import replayed_products

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
class Way:
    """A way that is open, or the reason why none is: then `how` is None."""

    how: How | None
    survey: Survey
    reason: str = ""


def choose(loss: Tensor, run: Pass | None, parameters: Sequence[Tensor], trusted: frozenset[str]) -> Way:
    """Choose the way for a loss.

    Args:
        loss: As the job is about to go backward from it.
        run: The forward pass it came from, when that was heard.
        parameters: Over which the Hessian is taken.
        trusted: Names of Python functions whose curvature was found to be right.
    """
    found = survey(loss, parameters)
    if found.obstacle in (Obstacle.COMPILED, Obstacle.DROPOUT):
        if run is None:
            return Way(None, found, f"{found.obstacle}, and its forward pass could not be heard to repeat it")
        return Way(How.REPLAYED if found.obstacle is Obstacle.COMPILED else How.DIFFERENCE, found)
    if found.obstacle:
        return Way(None, found, found.obstacle)
    if any(p.layout is not torch.strided for p in parameters):
        return Way(None, found, "a parameter is sparse")
    return Way(How.EXACT if trusted.issuperset(found.custom) else How.UNVERIFIED, found)


@contextmanager
def products(way: Way, loss: Tensor, run: Pass | None, parameters: Sequence[Tensor]) -> Iterator[Products]:
    """Take products in the chosen way while the context lasts.

    Raises:
        ValueError: No way is open, or it turned out not to be.
    """
    if way.how in (How.EXACT, How.UNVERIFIED):
        with live_products(loss, parameters, way.survey) as exact:
            yield exact
    elif way.how is How.REPLAYED and run is not None:
        with replayed_products(loss, run, parameters) as replayed:
            yield replayed
    elif way.how is How.DIFFERENCE and run is not None:
        with replayed_differences(loss, run, parameters) as differences:
            yield differences
    else:
        raise ValueError(f"no way to second derivatives is open: {way.reason or 'the forward pass was not heard'}")


def disagreement(one: Tensor, other: Tensor) -> Tensor:
    """Relative difference of a product by two ways, no dimensions, without waiting for it."""
    apart, size = torch.linalg.vector_norm(one - other), torch.linalg.vector_norm(other)
    share: Tensor = apart / size.clamp_min(torch.finfo(other.dtype).tiny)
    return share


def agrees(difference: float) -> bool:
    """Whether two ways agree as well as differences of gradients can tell; not when the difference is no number."""
    return difference <= _FAR
