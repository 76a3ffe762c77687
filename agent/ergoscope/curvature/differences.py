"""Hessian-vector products by differences of gradients, for models that can be differentiated only once.

    H v ≈ [∇L(w + εv) - ∇L(w - εv)] / 2ε,   wrong by O(ε²) from curvature of higher order and O(1/ε) from rounding

Only ordinary passes run, so compiled graphs and kernels of somebody's own will do. The weights are moved and put back
to the last bit, and to a graph that holds them they do not look changed. With kinks, as of ReLU, the result is the
curvature over the distance ε‖v‖, not that at a point.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from ergoscope.curvature.guard import guarded
from ergoscope.curvature.parts import join, split
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.replay import repeat
from ergoscope.curvature.tail import Tail

# How far to move, as a share of the weights' norm: measured on a tanh net, the error is smallest near these.
_SHARES = {torch.float64: 1e-5, torch.float32: 1e-3}


class DifferenceProducts:
    """v -> H v by central differences, two gradients each.

    Attributes:
        gradient: Shape (size,), the gradient where the weights are.
    """

    def __init__(self, slope: Callable[[], Tensor], parameters: Sequence[Tensor]) -> None:
        """Prepare.

        Args:
            slope: Gives the gradient of the loss, shape (size,), at the weights as they are; always with the same
                random draws.
            parameters: All in fp32 or all in fp64, as what computes the gradient must be.

        Raises:
            ValueError: A parameter is in another precision.
        """
        other = sorted({str(p.dtype) for p in parameters if p.dtype not in _SHARES})
        if other:
            raise ValueError(
                f"parameters are in {', '.join(other)}, in which differences of gradients are mostly rounding; "
                "torch.float32 and torch.float64 are allowed"
            )
        self._slope = slope
        self._parameters = tuple(parameters)
        self._share = max(_SHARES[p.dtype] for p in parameters)
        self.gradient = slope()

    def __call__(self, vector: Tensor) -> Tensor:
        """Give H v, shape (size,), for v of the same shape; zeros for v = 0."""
        length = torch.linalg.vector_norm(vector)
        size = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(p.detach()) for p in self._parameters]))
        step = self._share * size.clamp_min(1e-3) / length.clamp_min(torch.finfo(length.dtype).tiny)
        with moved(self._parameters, step * vector):
            ahead = self._slope()
        with moved(self._parameters, -step * vector):
            behind = self._slope()
        product: Tensor = (ahead - behind) / (2.0 * step)
        return product


@contextmanager
def moved(parameters: Sequence[Tensor], by: Tensor) -> Iterator[None]:
    """Add a vector to the weights, and put them back to the last bit.

    Args:
        parameters: Leaves that require gradients.
        by: Shape (size,), in their order.
    """
    with torch.no_grad(), ExitStack() as stack:
        for parameter, part in zip(parameters, split(by, parameters), strict=True):
            stack.callback(_put_back, parameter, parameter.detach().clone())
            _write(parameter, parameter + part.to(parameter.dtype))
        with torch.enable_grad():
            yield


def _put_back(parameter: Tensor, content: Tensor) -> None:
    with torch.no_grad():
        _write(parameter, content)


def _write(parameter: Tensor, content: Tensor) -> None:
    with _unsafe_preserve_version_counter(parameter):
        parameter.copy_(content)


@contextmanager
def replayed_differences(tail: Tail, run: Pass, parameters: Sequence[Tensor]) -> Iterator[DifferenceProducts]:
    """Take products by differences, through repeated forward passes of the job's model, while the context lasts.

    What follows the model's output z is taken as f(z) + g (z' - z) + ½ (z' - z)ᵀ H_f (z' - z), which changes the
    result by O(ε²) only. To be used within the wrapped `backward`, before the job's own.

    Args:
        tail: Of the loss, as the job is about to go backward from it.
        run: The forward pass that it came from.
        parameters: Leaves of the model, at least one.

    Raises:
        ValueError: The pass computed in half precision, or the parameters are in it.
    """
    if run.halved:
        raise ValueError("the forward pass ran in half precision; differences of gradients are mostly rounding then")

    def slope() -> Tensor:
        with torch.enable_grad():
            again, outer = repeat(tail, run)
            return join(torch.autograd.grad(again, parameters, outer, allow_unused=True), parameters)

    with guarded(run.model):
        yield DifferenceProducts(slope, parameters)
