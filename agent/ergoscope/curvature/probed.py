"""Hessian-vector products of a loss on a fixed batch, at the weights as they are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.curvature.differences import DifferenceProducts, moved
from ergoscope.curvature.graph import Obstacle, survey
from ergoscope.curvature.guard import guarded
from ergoscope.curvature.ladder import How, Products, disagreement
from ergoscope.curvature.live import live_products
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.parts import join


@dataclass(frozen=True, slots=True)
class Probed:
    """Products on the batch, and how they were obtained.

    beside: the gradient of its loss, shape (size,), at the weights moved by a vector of that shape.
    custom: names of the job's own functions in the graph that nobody has vouched for.
    doubt: no dimensions; how far the products are from differences of gradients, where there are such functions.
    """

    products: Products
    how: How
    beside: Callable[[Tensor], Tensor]
    custom: frozenset[str] = frozenset()
    doubt: Tensor | None = None


@contextmanager
def probed_products(
    objective: Objective, parameters: Sequence[Tensor], *, seed: int, trusted: frozenset[str], differences: bool = False
) -> Iterator[Probed]:
    """Run the batch and take products while the context lasts; the job's state is afterwards as it was.

    A loss of each example counts as its mean. Compiled models run as they are written.

    Args:
        objective: Model, batch and loss.
        parameters: Over which the Hessian is taken.
        seed: Of every random draw, so that all products are of one function.
        trusted: Functions of the job's own whose second derivatives were found to be right.
        differences: Take differences of gradients, because second derivatives were found to be wrong.

    Raises:
        ValueError: The loss cannot be differentiated twice, or is none.
    """

    def slope() -> Tensor:
        with guarded(objective.model, seed=seed), torch.enable_grad():
            loss = objective.mean()
            return join(torch.autograd.grad(loss, parameters, allow_unused=True), parameters)

    def beside(nudge: Tensor) -> Tensor:
        with moved(parameters, nudge):
            return slope()

    if differences:
        yield Probed(DifferenceProducts(slope, parameters), How.DIFFERENCE, beside)
        return
    with guarded(objective.model, seed=seed), torch.enable_grad():
        loss = objective.mean()
        found = survey(loss, parameters)
        if found.obstacle is Obstacle.DROPOUT:
            yield Probed(DifferenceProducts(slope, parameters), How.DIFFERENCE, beside)
            return
        if found.obstacle:
            raise ValueError(found.obstacle)
        with live_products(loss, parameters, found) as products:
            custom = frozenset(found.custom) - trusted
            if custom:
                way = products.gradient
                doubt = disagreement(products(way), DifferenceProducts(slope, parameters)(way))
                yield Probed(products, How.UNVERIFIED, beside, custom, doubt)
            else:
                yield Probed(products, How.EXACT, beside)
