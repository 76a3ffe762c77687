"""XTrace: a trace in which every product serves twice, to find the steep directions and to estimate the rest.

Of m products half go into Y = AΩ, with k = m/2 columns ω_i of random signs, and half into AQ, with Q an orthonormal
basis of Y. Leaving out one column at a time, Q_i a basis of Y without y_i,

    t_i = tr Q_iᵀAQ_i + ω_iᵀ(I − Q_iQ_iᵀ) A (I − Q_iQ_iᵀ) ω_i,    tr A ≈ (1/k) Σ t_i.

Each t_i is a Hutch++ with one draw for the rest, and unbiased, as Q_i does not depend on ω_i. All are exchangeable, so
no column is wasted on one of the two roles. No formula for the variance is known; the standard error is estimated by
that of k independent numbers, (Σ (t_i − mean)² / (k (k − 1)))^½, which leaves out that they share most of their
columns. Source: Epperly, Tropp, Webber (2024), sections 2.1 and 2.3; their rescaling of normal draws is left out.

With symmetric A it all follows from numbers: R = QᵀY, H = QᵀAQ, W = QᵀΩ and c_i = ω_i·y_i. With M_i the projector
onto the columns of R without the i-th,

    t_i = tr M_iH + c_i − 2 R_iᵀM_iW_i + W_iᵀM_iHM_iW_i.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ergoscope.curvature.orthonormal import extend
from ergoscope.curvature.trace import Traces, draw
from ergoscope.curvature.vectors import Product, dot

_LEAST = 4
_RANK = 1e-12  # singular values below this share of the largest count as none


class XTrace:
    """One product a step, of a symmetric matrix. Keeps m/2 vectors.

    Example:
        >>> matrix = torch.ones(7, 7, dtype=torch.float64)
        >>> run = XTrace(7, products=6, seed=0, dtype=torch.float64)
        >>> while not run.complete:
        ...     run.step(lambda v: matrix @ v)
        >>> found = estimate_by_exchange(run.readings().numpy())
        >>> round(found.trace, 6), round(found.trace_error, 6), found.products
        (7.0, 0.0, 6)
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
            products: m, even and at least 4.
            seed: A whole number from 0 on, below 2³².
            device: Where the products are made.
            dtype: fp32 or fp64.

        Raises:
            ValueError: The number of products is odd or below 4.
        """
        if products < _LEAST or products % 2:
            raise ValueError(f"products is {products}; XTrace needs an even number of at least {_LEAST}")
        self._size, self._seed, self._device, self._dtype = size, seed, device, dtype
        self._half = products // 2
        self._basis: list[Tensor] = []
        self._columns: list[Tensor] = []  # of R, each a little longer
        self._forms: list[Tensor] = []
        self._images: list[Tensor] = []  # columns of H

    @property
    def complete(self) -> bool:
        """Whether all products were made."""
        return len(self._images) == self._half

    def step(self, product: Product) -> None:
        """Make the next product, without waiting for the device.

        Raises:
            ValueError: All were made.
        """
        if self.complete:
            raise ValueError(f"all {2 * self._half} products were made; begin another run")
        with torch.no_grad():
            if len(self._basis) < self._half:
                self._sketch(product)
            else:
                image = product(self._basis[len(self._images)]).to(self._dtype)
                self._images.append(torch.stack([dot(member, image) for member in self._basis]))

    def readings(self) -> Tensor:
        """The numbers for `estimate_by_exchange`.

        Returns:
            fp64, shape (3k + 1, k), on the device and not waited for: R, H, W and c one below the other.

        Raises:
            ValueError: Products are missing.
        """
        if not self.complete:
            made = len(self._basis) + len(self._images)
            raise ValueError(f"{made} of {2 * self._half} products were made; make all of them")
        columns = [torch.cat([c, c.new_zeros(self._half - len(c))]) for c in self._columns]
        drawn = [torch.stack([dot(q, w) for q in self._basis]) for w in map(self._vector, range(self._half))]
        forms = torch.stack(self._forms)[None]
        return torch.cat([torch.stack(part, dim=1) for part in (columns, self._images, drawn)] + [forms])

    def _vector(self, number: int) -> Tensor:
        return draw(self._size, "signs", seed=self._seed, number=number, device=self._device, dtype=self._dtype)

    def _sketch(self, product: Product) -> None:
        vector = self._vector(len(self._basis))
        image = product(vector).to(self._dtype, copy=True)
        self._forms.append(dot(vector, image))
        self._columns.append(extend(self._basis, image))


def estimate_by_exchange(readings: ArrayLike) -> Traces:
    """Put the numbers of an `XTrace` together, on the host in fp64. ‖A‖_F² is the mean of ‖y_i‖².

    Args:
        readings: Shape (3k + 1, k).

    Raises:
        ValueError: The shape is another one.
    """
    numbers = np.asarray(readings, dtype=np.float64)
    if numbers.ndim != 2 or numbers.shape[1] < 2 or numbers.shape[0] != 3 * numbers.shape[1] + 1:
        raise ValueError(f"readings have shape {numbers.shape}; it must be (3k + 1, k) with k at least 2")
    k = numbers.shape[1]
    squares = (numbers[:k] ** 2).sum(axis=0)
    if np.isfinite(numbers).all():
        left_out = np.array([_without(i, numbers[:k], numbers[k : 2 * k], numbers[2 * k :]) for i in range(k)])
    else:
        left_out = np.full(k, np.nan)
    error, square_error = (float(x.std(ddof=1) / k**0.5) for x in (left_out, squares))
    return Traces(float(left_out.mean()), error, float(squares.mean()), square_error, 2 * k)


def _without(i: int, r: NDArray[np.float64], h: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """t_i; `below` is W with c under it."""
    vectors, values, _ = np.linalg.svd(np.delete(r, i, axis=1), full_matrices=False)
    span = vectors[:, values > _RANK * values.max(initial=0.0)]
    drawn = span @ (span.T @ below[:-1, i])
    known = np.trace(span.T @ h @ span)
    return float(known + below[-1, i] - 2.0 * (r[:, i] @ drawn) + drawn @ h @ drawn)
