"""Hessian-vector products for a loss whose own graph cannot be differentiated twice, by one more forward pass.

What is compiled, or a kernel of somebody's own, is inside of the model; what comes after it, the loss, is not. So with
the model's output z and the loss L = f(z): g = ∂f/∂z and the products H_f u are taken from the job's own graph, which
is entered no further than z. The model itself is run once more on the inputs it had, as it is written, which gives its
Jacobian J. The gradient of L is then Jᵀ(g + H_f (z' - z)) where z' is the new output and z the same numbers as
constants. It equals Jᵀg, and its derivative along v is

    H v = (∂J/∂w · v)ᵀ g + Jᵀ H_f J v,

the Hessian of the job's own loss, exactly, without knowing what f is. With g left out it is the Gauss-Newton product
Jᵀ H_f J v (Schraudolph 2002). Terms of the loss that do not pass through the output, such as a penalty on the weights,
are not in it. Dropout draws the job's own masks, as the generators are set back; compiled dropout draws others.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from ergoscope.curvature.attention import open_attention
from ergoscope.curvature.graph import fused_attention
from ergoscope.curvature.guard import guarded
from ergoscope.curvature.passes import Pass, heads, tensors_in
from ergoscope.curvature.products import HessianProducts

Map = Callable[[Sequence[Tensor]], tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Tail:
    """The part of a loss that follows the model's output z: its slope g = ∂f/∂z and the products u -> H_f u.

    chosen: which tensors of the output it is made of, numbers in the order of `tensors_in`.
    outputs: these; slopes: g for each, with a graph.
    """

    chosen: tuple[int, ...]
    outputs: tuple[Tensor, ...]
    slopes: tuple[Tensor, ...]

    @classmethod
    def of(cls, loss: Tensor, run: Pass) -> "Tail":
        """Take it from the job's own graph, which stays as it is.

        Raises:
            ValueError: The inputs of the pass were changed since, or the loss does not come from its output.
        """
        if run.altered:
            raise ValueError(
                "the model's inputs were changed in place after its forward pass, so it cannot be repeated"
            )
        chosen = heads(loss, run.output)
        if not chosen:
            raise ValueError(
                "the loss does not come from the model's output, so its tail cannot be told from the model"
            )
        everything = tensors_in(run.output)
        outputs = tuple(everything[n] for n in chosen)
        with torch.enable_grad():
            return cls(tuple(chosen), outputs, torch.autograd.grad(loss, outputs, create_graph=True))

    def products(self, vectors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Give H_f u for u, one tensor for each output; zero where the loss is linear in it."""
        curved = [s for s in self.slopes if s.requires_grad]
        if not curved:
            return tuple(torch.zeros_like(v) for v in vectors)
        along = [v for v, s in zip(vectors, self.slopes, strict=True) if s.requires_grad]
        found = torch.autograd.grad(curved, self.outputs, along, retain_graph=True, allow_unused=True)
        return tuple(torch.zeros_like(v) if f is None else f for f, v in zip(found, vectors, strict=True))

    def repeat(self, run: Pass) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """Run the model again, inside a guard: its outputs z', and g + H_f (z' - z) with z' alone a variable."""
        for generator, state in run.generators:
            generator.set_state(state)
        everything = tensors_in(run.model(*run.args, **run.kwargs))
        again = [everything[n] for n in self.chosen]
        moved = cast("tuple[Tensor, ...]", _Along.apply(self.products, *self.moves(again)))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return again, tuple(s.detach() + m for s, m in zip(self.slopes, moved, strict=True))

    def moves(self, again: Sequence[Tensor]) -> list[Tensor]:
        """Give z' - z, where z is what the job's own pass gave."""
        return [new - old.detach() for new, old in zip(again, self.outputs, strict=True)]


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


@contextmanager
def replayed_products(
    loss: Tensor, run: Pass, parameters: Sequence[Tensor], *, gauss_newton: bool = False
) -> Iterator[HessianProducts]:
    """Take products with the Hessian of a loss, or with its Gauss-Newton part, while the context lasts.

    All of it is under the guard: the job's generators, buffers and modes are afterwards as they were. To be used within
    the wrapped `backward`, before the job's own.

    Args:
        loss: A scalar with its graph, as the job is about to go backward from it.
        run: The forward pass that it came from.
        parameters: Leaves of the model, at least one.
        gauss_newton: Leave the curvature of the model itself out; `gradient` is then that of the moved part, zero.

    Raises:
        ValueError: as `Tail.of`.
    """
    tail = Tail.of(loss, run)
    with guarded(run.model):
        with torch.enable_grad():
            again, outer = tail.repeat(run)
            if gauss_newton:
                outer = tuple(o - s.detach() for o, s in zip(outer, tail.slopes, strict=True))
            with open_attention(fused_attention(again)):
                found = torch.autograd.grad(again, parameters, outer, create_graph=True, allow_unused=True)
        products = HessianProducts(found, parameters)
        del found, again, outer
        try:
            yield products
        finally:
            products.forget()


def mismatch(run: Pass, loss: Tensor) -> Tensor:
    """How far the repeated output is from the job's own: the largest difference over the largest entry, no dimensions.

    Zero where both ran the same kernels; what compiled code rounds differently stays near the precision of its numbers,
    and compiled dropout, whose masks are others, does not.
    """
    tail = Tail.of(loss, run)
    with guarded(run.model), torch.no_grad():
        again, _ = tail.repeat(run)
        shares = [m.abs().max() / z.detach().abs().max() for m, z in zip(tail.moves(again), tail.outputs, strict=True)]
    return torch.stack(shares).max()
