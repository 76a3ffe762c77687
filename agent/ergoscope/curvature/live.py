"""Hessian-vector products through the graph that the job itself is about to go backward through.

Nothing of the job's is touched: `torch.autograd.grad` writes to no `.grad`, and no product uses up the graph, so the
job's own backward pass runs afterwards as if nothing had been. Called within the wrapped `backward`, before the job's.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from ergoscope.curvature.attention import open_attention
from ergoscope.curvature.graph import Survey
from ergoscope.curvature.products import HessianProducts


@contextmanager
def live_products(
    loss: Tensor, parameters: Sequence[Tensor], survey: Survey | None = None
) -> Iterator[HessianProducts]:
    """Take products with the Hessian of a loss, exactly, while the context lasts.

    Args:
        loss: A scalar with its graph.
        parameters: Leaves of the graph, at least one.
        survey: What `ergoscope.curvature.graph.survey` found of fused attention.

    Example:
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> with live_products((w**3).sum(), [w]) as hessian:
        ...     hessian(torch.tensor([1.0, 1.0]))
        tensor([ 6., 12.])
    """
    with torch.enable_grad(), open_attention(() if survey is None else survey.fused):
        found = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    products = HessianProducts(found, parameters)
    del found
    try:
        yield products
    finally:
        products.forget()
