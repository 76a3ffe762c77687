"""Hessian-vector products for a loss whose own graph cannot be differentiated twice, by one more forward pass.

What is compiled, or a kernel of somebody's own, is inside of the model; what comes after it, the loss, is not. So with
the model's output z and the loss L = f(z): g = ∂f/∂z and the products H_f u are taken from the job's own graph, which
is entered no further than z. The model itself is run once more on the inputs it had, as it is written, which gives its
Jacobian J. The gradient of L is then Jᵀ(g + H_f (z' - z)) where z' is the new output and z the same numbers as
constants. It equals Jᵀg, and its derivative along v is

    H v = (∂J/∂w · v)ᵀ g + Jᵀ H_f J v,

the Hessian of the job's own loss, exactly, without knowing what f is. With g left out it is the Gauss-Newton product
Jᵀ H_f J v (Schraudolph 2002). Terms of the loss that do not pass through the output, such as a penalty on the weights,
are not in it. Dropout draws the job's own masks, as the generators are set back; compiled dropout may draw others, so
whether z' is z has to be looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from ergoscope.curvature.attention import open_attention
from ergoscope.curvature.graph import Survey, survey
from ergoscope.curvature.guard import guarded
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.products import HessianProducts
from ergoscope.curvature.tail import Tail

Map = Callable[[Sequence[Tensor]], tuple[Tensor, ...]]
_ROUNDING, _ROUNDING_OF_HALVES = 4 * 2.0**-10, 4 * 2.0**-7  # four units in the last place of TF32, and of bf16
_TINY = 1e-30


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a pass run once more shows, before anything is made of it.

    survey: what of the model's own graph stands in the way of second derivatives.
    drift: how far z' is from z, no dimensions: the largest difference over the largest entry, in parts of what rounding
        explains. Zero where both ran the same kernels; above 1 the model has become another function since.
    """

    survey: Survey
    drift: Tensor


def rehearse(tail: Tail, run: Pass, parameters: Sequence[Tensor]) -> Rehearsal:
    """Run the model again and look at what comes, under the guard.

    Args:
        tail: Of the loss.
        run: The forward pass that it came from.
        parameters: Leaves of the model.
    """
    with guarded(run.model), torch.enable_grad():
        again = tail.repeated(run)
        found = survey(again, parameters)
    with torch.no_grad():
        moves = zip(tail.moves(again), tail.outputs, strict=True)
        apart = torch.stack([(move.abs().max() / z.abs().max().clamp_min(_TINY)).float() for move, z in moves]).max()
        return Rehearsal(found, apart / (_ROUNDING_OF_HALVES if run.halved else _ROUNDING))


@contextmanager
def replayed_products(
    tail: Tail, run: Pass, parameters: Sequence[Tensor], *, gauss_newton: bool = False
) -> Iterator[HessianProducts]:
    """Take products with the Hessian of a loss, or with its Gauss-Newton part, while the context lasts.

    All of it is under the guard: the job's generators, buffers and modes are afterwards as they were. To be used within
    the wrapped `backward`, before the job's own.

    Args:
        tail: Of the loss, as the job is about to go backward from it.
        run: The forward pass that it came from.
        parameters: Leaves of the model, at least one.
        gauss_newton: Leave the curvature of the model itself out; `gradient` is then that of the moved part, zero.
    """
    with guarded(run.model):
        with torch.enable_grad():
            again, outer = repeat(tail, run)
            if gauss_newton:
                outer = tuple(o - s.detach() for o, s in zip(outer, tail.slopes, strict=True))
            with open_attention(survey(again).fused):
                found = torch.autograd.grad(again, parameters, outer, create_graph=True, allow_unused=True)
        products = HessianProducts(found, parameters)
        del found, again, outer
        try:
            yield products
        finally:
            products.forget()


def repeat(tail: Tail, run: Pass) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Run the model again, inside a guard: its outputs z', and g + H_f (z' - z) with z' alone a variable."""
    again = tail.repeated(run)
    moved = cast("tuple[Tensor, ...]", _Along.apply(tail.products, *tail.moves(again)))  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return again, tuple(s.detach() + m for s, m in zip(tail.slopes, moved, strict=True))


class _Along(torch.autograd.Function):
    """A symmetric linear map that is known only through its products: it is its own transpose."""

    @staticmethod
    def forward(ctx: FunctionCtx, function: Map, *vectors: Tensor) -> tuple[Tensor, ...]:
        ctx.function = function  # type: ignore[attr-defined]  # torch's way to keep something
        return function(vectors)

    @staticmethod
    def backward(ctx: FunctionCtx, *outer: Tensor) -> tuple[Tensor | None, ...]:
        function: Map = ctx.function  # type: ignore[attr-defined]  # kept above
        return (None, *cast("tuple[Tensor, ...]", _Along.apply(function, *outer)))  # type: ignore[no-untyped-call]  # torch leaves it untyped
