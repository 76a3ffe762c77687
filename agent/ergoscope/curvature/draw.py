"""One draw: a run of Lanczos from a random direction, its products made a few at a time while the weights move.

Each product is of the Hessian at the weights of its own moment. What comes of it lies within (2 Σ_j ‖H_j − H‖²)^½ of
the Ritz values of any one of these Hessians, see `ergoscope.curvature.lanczos`. How far the Hessians are apart is not
known, but how far the weights have moved is, and is told with the numbers.

The vectors are gone when the draw is complete. With the last numbers go the components of two other vectors in their
basis, and a linear sketch of each: of these any Ritz vector's sketch can be made once its coefficients are known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
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
        (torch.Size([7]), 2)
        >>> drawn = read_draw(draw.go_on(lambda v: diagonal * v, weights, products=3).tolist(), products=5)
        >>> drawn.run.values.round(4).tolist(), drawn.moved
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.0)
    """

    def __init__(self, like: Tensor, *, steps: int, seed: int, sketcher: Sketcher) -> None:
        """Draw the direction.

        Args:
            like: Gives shape (size,), dtype and device of the vectors.
            steps: Products of the run.
            seed: Of the direction.
            sketcher: Tells how far the weights move, and makes the sketches.
        """
        self.left = steps
        self.since: int | None = None
        self.lost = False
        self._sketcher = sketcher
        self._drift: Drift | None = None
        self._run = Lanczos.random(like.numel(), seed=seed, keep=True, device=like.device, dtype=like.dtype)

    def go_on(
        self,
        product: Product,
        parameters: Sequence[Tensor],
        *,
        products: int,
        slope: Tensor | None = None,
        step: Callable[[], Tensor | None] = lambda: None,
    ) -> Tensor:
        """Make some of the products that are left, without waiting for the device.

        Args:
            product: v ↦ Hv at the weights as they are.
            parameters: The weights, over which the Hessian is taken.
            products: To make now, at most; at least 1, with one left at least.
            slope: Shape (size,); how much of it lies in the steepest directions can be told once the draw is complete.
            step: Gives another such vector, and is asked when all products are made.

        Returns:
            The numbers so far, to be given to `read_draw` once they are on the host.
        """
        moved = self._drift.share(parameters) if self._drift else torch.zeros((), device=self._run.device)
        for _ in range(min(products, self.left)):
            self._run.step(product)
            self.left -= 1
        numbers = self._run.coefficients().reshape(-1)
        values = [moved[None], numbers]
        if not self.left:
            basis = self._run.basis
            values += [_parts(basis, slope), _parts(basis, step()), *self._sketches(basis)]
            basis.clear()
        elif self._drift is None:
            self._drift = Drift(self._sketcher, parameters)
        return torch.cat([part.to(numbers.dtype) for part in values])

    def _sketches(self, basis: Sequence[Tensor]) -> list[Tensor]:
        """A sketch of each vector; none of a single one, which tells no direction from another."""
        with torch.no_grad():
            made = [self._sketcher.sketch(["direction"], [v]) for v in basis if len(basis) > 1]
        return [sketch for sketch in made if sketch is not None]


def _parts(basis: Sequence[Tensor], vector: Tensor | None) -> Tensor:
    """The vector's components in the basis, and its squared length; NaN without one."""
    if vector is None:
        return torch.full((len(basis) + 1,), torch.nan, device=basis[0].device)
    return torch.stack([*(dot(v, vector) for v in basis), dot(vector, vector)])


@dataclass(frozen=True, slots=True, eq=False)
class Along:
    """Components of a vector in a draw's basis, shape (products,), and its squared length; NaN where there was none."""

    parts: NDArray[np.float64]
    whole: float


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a draw has told so far, from its direction v of length 1.

    products: that were made.
    moved: how far the weights were at the last products from where they were at the first, as a share of their length.
    form: vᵀHv; square: ‖Hv‖²; both at the weights of the first product.
    run: nodes and weights of quadrature.
    slope, step: the vectors that were given along; None as long as the draw is not complete.
    sketches: of its basis, shape (products, buckets); without rows as long as it is not complete.
    """

    products: int
    moved: float
    form: float
    square: float
    run: Ritz
    slope: Along | None
    step: Along | None
    sketches: NDArray[np.float64]


def read_draw(values: Sequence[float], *, products: int) -> Drawn:
    """Say what the numbers of a draw mean.

    Args:
        values: What `Draw.go_on` returned, on the host.
        products: That were made by then.

    Example:
        >>> drawn = read_draw([0.0, 3.0, 4.0], products=1)
        >>> drawn.form, drawn.square
        (3.0, 25.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    (moved, *_), coefficients, rest = np.split(numbers, [1, 1 + 2 * products])
    alphas, betas = coefficients.reshape(2, products)
    run = ritz(alphas, betas, random_start=True)
    slope, step, sketches = np.split(rest, [products + 1, 2 * (products + 1)])
    return Drawn(
        products,
        float(moved),
        float(alphas[0]),
        float(alphas[0] ** 2 + betas[0] ** 2),
        run,
        Along(slope[:-1], float(slope[-1])) if slope.size else None,
        Along(step[:-1], float(step[-1])) if step.size else None,
        sketches.reshape(products, -1) if sketches.size else np.empty((0, 0)),
    )
