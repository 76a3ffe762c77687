"""Products of a vector with the second derivative of a loss, taken from a gradient that has a graph of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.parts import join, split


class HessianProducts:
    """v -> H v = ∇(∇L · v), exact (Pearlmutter 1994), for as long as the graph of the gradient is kept.

    Entries are in the order of the parameters, each flattened. What of the gradient does not depend on the parameters
    has no curvature and gives zeros.

    Attributes:
        gradient: Shape (size,), the gradient of the loss.

    Example:
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> hessian = HessianProducts(torch.autograd.grad((w**3).sum(), [w], create_graph=True), [w])
        >>> hessian(torch.tensor([1.0, 1.0]))
        tensor([ 6., 12.])
    """

    def __init__(self, gradients: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> None:
        """Take the gradient of each parameter, made with `create_graph`; None where the loss does not depend on it."""
        self._parameters = tuple(parameters)
        self._curved = [(place, g) for place, g in enumerate(gradients) if g is not None and g.requires_grad]
        self.gradient = join(gradients, self._parameters)

    def __call__(self, vector: Tensor) -> Tensor:
        """Give H v, shape (size,), for v of the same shape."""
        if not self._curved:
            return torch.zeros_like(vector)
        pieces = split(vector, self._parameters)
        found = torch.autograd.grad(
            [gradient for _, gradient in self._curved],
            self._parameters,
            grad_outputs=[pieces[place].to(gradient.dtype) for place, gradient in self._curved],
            retain_graph=True,
            allow_unused=True,
        )
        return join(found, self._parameters)

    def forget(self) -> None:
        """Let go of the graph; products are zeros from now on."""
        self._curved.clear()
