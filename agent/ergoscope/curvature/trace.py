"""Trace and size of a matrix that is known only through its products, by random vectors: Hutchinson's estimate.

For independent z with E zzᵀ = I,

    E zᵀAz = tr A,    E ‖Az‖² = tr AᵀA = ‖A‖_F²,

both unbiased, from the same products. The variance of one draw, for symmetric A, is

    zᵀAz:    2 Σ_{i≠j} A_ij²  for signs,       2 ‖A‖_F²   for normal entries,
    ‖Az‖²:   2 Σ_{i≠j} (A²)_ij²  for signs,    2 tr A⁴    for normal entries,

so signs are never worse, and exact for a diagonal A. Sources: Girard (1989) with normal entries, Hutchinson (1989) with
signs; the variances: Avron, Toledo (2011).

Where an orthonormal basis Q and AQ are known already, as from a run of Lanczos, only the rest needs to be drawn: with
u = (I − QQᵀ)z,

    tr A = tr QᵀAQ + E uᵀAu,    ‖A‖_F² = ‖AQ‖_F² + E ‖Au‖².

Both remain unbiased for every Q that does not depend on z. Their variance is that of (I − QQᵀ)A(I − QQᵀ) in the place
of A, small once Q holds the steep directions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos
from ergoscope.curvature.orthonormal import remove
from ergoscope.curvature.vectors import Product, dot, normals, signs

Law = Literal["signs", "normals"]

_LAWS: dict[Law, Callable[..., Tensor]] = {"signs": signs, "normals": normals}


@dataclass(frozen=True, slots=True, eq=False)
class Deflation:
    """What is known exactly of a matrix on a subspace.

    basis: Orthonormal vectors of shape (size,), on one device; zeros may be among them.
    trace: tr QᵀAQ, without dimensions, on that device.
    square: ‖AQ‖_F², likewise.
    """

    basis: list[Tensor]
    trace: Tensor
    square: Tensor

    @classmethod
    def by_lanczos(cls, run: Lanczos) -> "Deflation":
        """Take over the basis of a run: tr QᵀAQ = Σ α_j, the sum of its Ritz values; ‖Av_j‖² = β_{j−1}² + α_j² + β_j².

        The vectors drawn afterwards need another seed than the run's. Where A has moved since, the two terms are of
        different matrices: the sum is then off by the change of tr QᵀAQ.

        Raises:
            ValueError: The run has kept no basis.
        """
        if not run.basis:
            raise ValueError("the run has kept no vectors; run with keep=True, for one step at least")
        alphas, betas = run.coefficients()
        square = alphas.square().sum() + betas.square().sum() + betas[:-1].square().sum()
        return cls(list(run.basis), alphas.sum(), square)


@dataclass(frozen=True, slots=True)
class Traces:
    """Estimates from `products` products, on the host.

    trace: of tr A, in the unit of A; trace_error is its standard error, NaN of a single draw.
    square: of ‖A‖_F², in the unit of A squared; with its standard error. The two errors are correlated.
    """

    trace: float
    trace_error: float
    square: float
    square_error: float
    products: int

    @property
    def size(self) -> float:
        """‖A‖_F; biased downward by about square_error² / (8 size³)."""
        return math.sqrt(self.square)

    @property
    def size_error(self) -> float:
        """Standard error of ‖A‖_F, to first order."""
        return self.square_error / (2.0 * self.size) if self.square else 0.0


class Hutchinson:
    """Draws one vector a product, so that the products may be spread over the steps of a training.

    Vectors of a law are independent for different seeds and numbers of the draw, and not between the laws: where
    the deflation was begun at random, take another seed than it had.

    Example:
        >>> diagonal = torch.arange(1.0, 6.0)
        >>> draws = Hutchinson(5, seed=1)
        >>> for _ in range(2):
        ...     draws.step(lambda v: diagonal * v)
        >>> estimate_traces(draws.readings().numpy())
        Traces(trace=15.0, trace_error=0.0, square=55.0, square_error=0.0, products=2)
    """

    def __init__(
        self,
        size: int,
        *,
        seed: int,
        law: Law = "signs",
        deflation: Deflation | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Begin without a draw.

        Args:
            size: Rows of the matrix.
            seed: A whole number from 0 on, below 2³².
            law: Of the entries drawn.
            deflation: What need not be drawn. Not copied.
            device: Where the products are made.
            dtype: fp32 or fp64.
        """
        self._draw = partial(draw, size, law, seed=seed, device=device, dtype=dtype)
        self._deflation = deflation
        self._forms: list[Tensor] = []
        self._squares: list[Tensor] = []

    def step(self, product: Product) -> None:
        """Make one product, without waiting for the device."""
        with torch.no_grad():
            vector = self._draw(number=len(self._forms))
            if self._deflation is not None:
                remove(vector, self._deflation.basis)
            image = product(vector).to(vector.dtype)
            self._forms.append(dot(vector, image))
            self._squares.append(dot(image, image))

    def readings(self) -> Tensor:
        """The numbers so far, for `estimate_traces` once they are on the host.

        Returns:
            fp64, shape (2, 1 + draws), on the device and not waited for: zᵀAz above ‖Az‖², and in front of them what
            the deflation knows of their mean.

        Raises:
            ValueError: No product was made.
        """
        if not self._forms:
            raise ValueError("no product was made; make at least one")
        nothing = torch.zeros_like(self._forms[0])
        known = self._deflation
        trace, square = (nothing, nothing) if known is None else (known.trace, known.square)
        return torch.stack([torch.stack([trace, *self._forms]), torch.stack([square, *self._squares])])


def draw(
    size: int, law: Law, *, seed: int, number: int, device: torch.device | str = "cpu", dtype: torch.dtype
) -> Tensor:
    """The random vector of shape (size,) with this number in the sequence that belongs to a seed.

    Example:
        >>> draw(2, "signs", seed=3, number=7, dtype=torch.float32).abs()
        tensor([1., 1.])
    """
    return _LAWS[law](size, seed=(seed << 32) + number, device=device, dtype=dtype)


def estimate_traces(readings: ArrayLike, *, spent: int = 0) -> Traces:
    """Average the draws, on the host in fp64.

    Args:
        readings: Shape (2, 1 + draws), as `Hutchinson.readings` gives them.
        spent: Products that went into the deflation, to be counted too.

    Raises:
        ValueError: The shape is another one.

    Example:
        >>> estimate_traces([[10.0, 1.0, 3.0], [100.0, 4.0, 4.0]])
        Traces(trace=12.0, trace_error=1.0, square=104.0, square_error=0.0, products=2)
    """
    numbers = np.asarray(readings, dtype=np.float64)
    if numbers.ndim != 2 or numbers.shape[0] != 2 or numbers.shape[1] < 2:
        raise ValueError(f"readings have shape {numbers.shape}; it must be (2, 1 + draws) with at least one draw")
    count = numbers.shape[1] - 1
    means = numbers[:, 0] + numbers[:, 1:].mean(axis=1)
    errors = numbers[:, 1:].std(axis=1, ddof=1) / count**0.5 if count > 1 else np.full(2, np.nan)
    return Traces(float(means[0]), float(errors[0]), float(means[1]), float(errors[1]), count + spent)
