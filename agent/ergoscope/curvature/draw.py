"""One draw: a run of Lanczos from a random direction, its products made a few at a time while the weights move.

Each product is of the Hessian at the weights of its own moment. What comes of it lies within (2 Σ_j ‖H_j − H‖²)^½ of
the Ritz values of any one of these Hessians, see `ergoscope.curvature.lanczos`. How far the Hessians are apart is not
known, but how far the weights have moved is, and is told with the numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.curvature.drift import Drift
from ergoscope.curvature.lanczos import Lanczos, Ritz, ritz
from ergoscope.curvature.vectors import Product, dot
from ergoscope.numerics.sketch import Sketcher


class Draw:
    """A run of a given number of products. Keeps one vector a product until it is complete.

    Attributes:
        left: Products to be made.
        since: Step at which its first numbers were taken; None until they are read.
        lost: Whether nothing will come of it.

    Example:
        >>> diagonal, weights = torch.arange(1.0, 6.0), [torch.ones(5)]
        >>> draw = Draw(weights[0], steps=5, seed=0, sketcher=Sketcher())
        >>> draw.go_on(lambda v: diagonal * v, weights, products=3).shape, draw.left
        (torch.Size([11]), 2)
        >>> drawn = read_draw(draw.go_on(lambda v: diagonal * v, weights, products=3).tolist())
        >>> drawn.run.values.round(4).tolist(), drawn.moved
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.0)
    """

    def __init__(self, like: Tensor, *, steps: int, seed: int, sketcher: Sketcher) -> None:
        """Draw the direction.

        Args:
            like: Gives shape (size,), dtype and device of the vectors.
            steps: Products of the run.
            seed: Of the direction.
            sketcher: Tells how far the weights move.
        """
        self.left = steps
        self.since: int | None = None
        self.lost = False
        self._sketcher = sketcher
        self._drift: Drift | None = None
        self._run = Lanczos.random(like.numel(), seed=seed, keep=True, device=like.device, dtype=like.dtype)

    def go_on(
        self, product: Product, parameters: Sequence[Tensor], *, products: int, along: Tensor | None = None
    ) -> Tensor:
        """Make some of the products that are left, without waiting for the device.

        Args:
            product: v ↦ Hv at the weights as they are.
            parameters: The weights, over which the Hessian is taken.
            products: To make now, at most; at least 1, with one left at least.
            along: Shape (size,); how much of it lies in the steepest directions can then be told.

        Returns:
            The numbers so far, to be given to `read_draw` once they are on the host: shape (2 + 3 · products made,).
        """
        moved = self._drift.share(parameters) if self._drift else torch.zeros((), device=self._run.device)
        for _ in range(min(products, self.left)):
            self._run.step(product)
            self.left -= 1
        numbers = self._run.coefficients().reshape(-1)
        parts = [moved[None], numbers, *_parts(self._run.basis, along)]
        if not self.left:
            self._run.basis.clear()
        elif self._drift is None:
            self._drift = Drift(self._sketcher, parameters)
        return torch.cat([part.to(numbers.dtype) for part in parts])


def _parts(basis: Sequence[Tensor], along: Tensor | None) -> list[Tensor]:
    """The vector's components in the basis, and its squared length; NaN without one."""
    if along is None:
        return [torch.full((len(basis) + 1,), torch.nan, device=basis[0].device)]
    return [torch.stack([dot(v, along) for v in basis]), dot(along, along)[None]]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a draw has told so far, from its direction v of length 1.

    products: that were made.
    moved: how far the weights were at the last products from where they were at the first, as a share of their length.
    form: vᵀHv; square: ‖Hv‖²; both at the weights of the first product.
    run: nodes and weights of quadrature.
    parts, whole: components, shape (products,), and squared length of the vector that was given along, at the last
        products; NaN where there was none.
    """

    products: int
    moved: float
    form: float
    square: float
    run: Ritz
    parts: Sequence[float]
    whole: float


def read_draw(values: Sequence[float]) -> Drawn:
    """Say what the numbers of a draw mean.

    Args:
        values: What `Draw.go_on` returned, on the host.

    Example:
        >>> drawn = read_draw([0.0, 3.0, 4.0, 1.0, 4.0])
        >>> drawn.form, drawn.square
        (3.0, 25.0)
    """
    products = (len(values) - 2) // 3
    moved, *rest, whole = values
    alphas, betas, parts = rest[:products], rest[products : 2 * products], rest[2 * products :]
    run = ritz(alphas, betas, random_start=True)
    return Drawn(products, moved, alphas[0], alphas[0] ** 2 + betas[0] ** 2, run, parts, whole)
