"""Hutch++: a trace whose large part is known exactly, and only the rest is drawn.

Of m products a third goes into a sketch AS with S of random signs; another into tr QᵀAQ, with Q an orthonormal basis of
the sketch; the others into Hutchinson's estimate of the rest,

    tr A ≈ tr QᵀAQ + (1/g) Σ uᵀAu,    u = (I − QQᵀ)z.

Unbiased, as Q does not depend on z. For symmetric A the variance is E[2 Σ_{i≠j} R_ij²]/g with R = (I − QQᵀ)A(I − QQᵀ),
and the standard error that is given estimates its root. The relative error of a positive semidefinite A falls as 1/m,
where Hutchinson's falls as 1/√m; with a flat spectrum two thirds of the products are spent for little. Source: Meyer,
Musco, Musco, Woodruff (2021), algorithm 1.
"""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ergoscope.curvature.orthonormal import extend
from ergoscope.curvature.trace import Deflation, Hutchinson, Traces, draw, estimate_traces
from ergoscope.curvature.vectors import Product, dot

_LEAST = 3


class HutchPlusPlus:
    """One product a step. Keeps m/3 vectors.

    The products may be spread over the steps of a training: of a matrix that moves meanwhile the first term is a little
    older than the second, which then deflates a little less.

    Example:
        >>> matrix = torch.ones(7, 7)
        >>> run = HutchPlusPlus(7, products=6, seed=0)
        >>> while not run.complete:
        ...     run.step(lambda v: matrix @ v)
        >>> found = run.estimate(run.readings().numpy())
        >>> round(found.trace, 4), round(found.square, 3), found.products
        (7.0, 49.0, 6)
    """

    def __init__(
        self,
        size: int,
        *,
        products: int,
        seed: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Begin without a product.

        Args:
            size: Rows of the matrix.
            products: m, at least 3.
            seed: A whole number from 0 on, below 2³².
            device: Where the products are made.
            dtype: fp32 or fp64.

        Raises:
            ValueError: There are fewer than three products.
        """
        if products < _LEAST:
            raise ValueError(f"products is {products}; Hutch++ needs at least {_LEAST}")
        self._size, self._seed, self._device, self._dtype = size, seed, device, dtype
        self._products, self._third = products, products // 3
        self._made = 0
        self._basis: list[Tensor] = []
        self._traces: list[Tensor] = []
        self._squares: list[Tensor] = []
        self._rest: Hutchinson | None = None

    @property
    def complete(self) -> bool:
        """Whether all products were made."""
        return self._made == self._products

    def step(self, product: Product) -> None:
        """Make the next product, without waiting for the device.

        Raises:
            ValueError: All were made.
        """
        if self.complete:
            raise ValueError(f"all {self._products} products were made; begin another run")
        with torch.no_grad():
            if self._made < self._third:
                self._sketch(product)
            elif self._made < 2 * self._third:
                self._project(product)
            else:
                self._remaining().step(product)
        self._made += 1

    def readings(self) -> Tensor:
        """The numbers for `estimate`: fp64, shape (2, 1 + m − 2⌊m/3⌋), on the device and not waited for.

        Raises:
            ValueError: Products are missing.
        """
        if not self.complete:
            raise ValueError(f"{self._made} of {self._products} products were made; make all of them")
        return self._remaining().readings()

    def estimate(self, readings: ArrayLike) -> Traces:
        """Put the numbers together on the host, where they are by now."""
        return estimate_traces(readings, spent=2 * self._third)

    def _vector(self, number: int) -> Tensor:
        return draw(self._size, "signs", seed=self._seed, number=number, device=self._device, dtype=self._dtype)

    def _sketch(self, product: Product) -> None:
        # Numbers of these draws lie behind those of the rest, which count from 0.
        image = product(self._vector(self._products + self._made)).to(self._dtype, copy=True)
        extend(self._basis, image)

    def _project(self, product: Product) -> None:
        member = self._basis[self._made - self._third]
        image = product(member).to(self._dtype)
        self._traces.append(dot(member, image))
        self._squares.append(dot(image, image))

    def _remaining(self) -> Hutchinson:
        if self._rest is None:
            known = Deflation(self._basis, torch.stack(self._traces).sum(), torch.stack(self._squares).sum())
            self._rest = Hutchinson(
                self._size, seed=self._seed, deflation=known, device=self._device, dtype=self._dtype
            )
        return self._rest
