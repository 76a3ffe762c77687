"""Lanczos: the ends of a symmetric matrix's spectrum, and its quadrature, from a few products.

From a start vector v₁ of length 1, one product a step,

    w = A v_j − β_{j−1} v_{j−1},   α_j = v_j·w,   w ← w − α_j v_j,   β_j = ‖w‖,   v_{j+1} = w / β_j,

after which VᵀAV = T is tridiagonal with α on its diagonal and β beside it. T's eigenvalues θ, the Ritz values, lie
within the spectrum of A: the k-th largest is never above the k-th largest eigenvalue. Within β_K·|s_K| of θ, with s its
eigenvector of T, lies an eigenvalue of A, and the squared first components of s are the weights of Gauss quadrature for
the spectral measure of v₁. Sources: Lanczos (1950); the order of the subtractions: Paige (1972); convergence: Saad
(1980), λ₁ − θ₁ ≤ (λ₁ − λ_n)·(tan∠(v₁, q₁) / T_{K−1}(1 + 2(λ₁ − λ₂)/(λ₂ − λ_n)))² with the Chebyshev polynomial T.

Between products nothing is kept but the state, so they may be spread over the steps of a training in which A moves.
With the basis kept, θ then is off by at most (2 Σ_j ‖A_j − A‖²)^½ from a Ritz value of any one A on the same basis.

Rounding turns the basis slowly away from orthogonality once a Ritz value has converged, and copies of it appear. The
cure here is full reorthogonalisation: each new vector against all, always twice, as whether once was enough would have
to be read from the device ("twice is enough", Parlett 1980, section 6.9; Giraud et al. 2005). Selective
reorthogonalisation (Parlett, Scott 1979) is left out: what to do at a step is decided from T's eigenvectors, which
would have to be read before the step, and the basis must be kept for it all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ergoscope.curvature.orthonormal import remove
from ergoscope.curvature.vectors import Product, add_scaled, dot, norm, normals, signs, wide_dtype

_SECOND, _NEW = 0.1, 0.03  # lengths of the second Ritz vector and of what is random in a start that follows another run
_ROUNDINGS = 16  # a remainder below so many units of rounding, against T's largest entry, is rounding itself


class Lanczos:
    """A run of Lanczos that can be laid down after each product.

    When the start vector lies in an invariant subspace, the remainder w becomes zero: β is then set to exactly 0 where
    it was below 16 units of rounding of T's largest entry, and further steps multiply zeros and change nothing.
    Non-finite products make all numbers after them NaN, as does a start vector of zeros.

    Attributes:
        basis: With `keep`, the vectors v₁ to v_K that have been multiplied; otherwise empty.
        random_start: Whether quadrature may be made of it.

    Example:
        >>> diagonal = torch.arange(1.0, 6.0)
        >>> lanczos = Lanczos.random(5, seed=0, keep=True)
        >>> for _ in range(5):
        ...     lanczos.step(lambda v: diagonal * v)
        >>> found = ritz(*lanczos.coefficients().numpy())
        >>> found.values.round(4).tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0]
    """

    def __init__(self, start: Tensor, *, keep: bool) -> None:
        """Start at a given vector. One that has no part of an eigenvector never finds it: see `successor`.

        Args:
            start: Shape (size,), of any length; copied.
            keep: Keep all vectors and reorthogonalise. Needs one vector a step; without it there are three in all,
                and Ritz vectors cannot be made.
        """
        with torch.no_grad():
            self._current = start / norm(start).to(start.dtype)
        self._previous: Tensor | None = None
        self._keep = keep
        self._alphas: list[Tensor] = []
        self._betas: list[Tensor] = []
        self._scale = torch.zeros((), dtype=wide_dtype(start.device), device=start.device)
        self.basis: list[Tensor] = []
        self.random_start = False

    @classmethod
    def random(
        cls,
        size: int,
        *,
        seed: int,
        keep: bool,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> "Lanczos":
        """Start in a direction that is uniform on the sphere, the same for the same seed on every device.

        Args:
            size: Rows of the matrix.
            seed: Any whole number.
            keep: As for a given start.
            device: Where the products are made.
            dtype: fp32 or fp64.
        """
        lanczos = cls(normals(size, seed=seed, device=device, dtype=dtype), keep=keep)
        lanczos.random_start = True
        return lanczos

    def successor(self, found: "Ritz", *, seed: int, search: bool = True) -> "Lanczos":
        """Begin the next reading of the top eigenvalue where this one ended.

        The top Ritz vector y is known with its image, Ay = θy + β_K s_K v_{K+1}. The start is Ay/θ, a step of power
        iteration without a product: of an A that stays, readings of one product each never fall.

        To search is to add .1 y₂ + .03 r, of the second Ritz vector and a random direction r, which costs (.03/T)² of
        the value with T of Saad's bound. From y alone a reading converges onto its own eigenvector until nothing else
        is left, and stays when another one becomes larger; y₂ is that as a rule, and r brings in what is new.

        Args:
            found: What `ritz` made of this run. When it is not finite, the start is random, though not for quadrature.
            seed: Another one for each reading.
            search: Whether the next reading has the products to make use of what is added.

        Raises:
            ValueError: The basis was not kept.
        """
        top = found.components[:, -2 if search else -1 :]
        columns = top @ np.array([_SECOND, 1.0])[-top.shape[1] :]
        known = self.vector(columns)
        finite = bool(np.isfinite(columns).all())
        if search or not finite:
            drawn = signs(len(known), seed=seed, device=known.device, dtype=known.dtype)  # random enough, and soon made
        if not finite:
            return Lanczos(drawn, keep=True)
        if self.steps == len(found.values):  # else the run has ended in an invariant subspace: y is its own image
            known.add_(self._current * (self._betas[-1] * _towards_image(found)).to(known.dtype))
        if search:
            known.add_(drawn, alpha=_NEW / len(known) ** 0.5)
        return Lanczos(known, keep=True)

    def lean(self, direction: Tensor, share: float) -> None:
        """Turn the start towards a direction, before the first product.

        Args:
            direction: Shape (size,), of any length; of zeros, or with an entry that is no number, it changes nothing.
            share: Length of what is added to the start, whose own is 1.
        """
        with torch.no_grad():
            length = norm(direction)
            factor = (share / length).masked_fill(~(length > 0) | ~length.isfinite(), 0.0)
            leant = torch.where(factor > 0, self._current + factor.to(direction.dtype) * direction, self._current)
            self._current = leant / norm(leant).to(leant.dtype)

    @property
    def steps(self) -> int:
        """Products made so far."""
        return len(self._alphas)

    @property
    def size(self) -> int:
        """Rows of the matrix."""
        return self._current.numel()

    @property
    def device(self) -> torch.device:
        """Where the vectors are."""
        return self._current.device

    def step(self, product: Product) -> None:
        """Make one product and go on by one vector, without waiting for the device.

        Args:
            product: Called once; what it returns is left as it is.

        Raises:
            ValueError: The product has another shape than its vector.
        """
        current = self._current
        image = product(current).detach()
        if image.shape != current.shape:
            raise ValueError(
                f"the product has shape {tuple(image.shape)}; it must be that of its vector, {tuple(current.shape)}"
            )
        with torch.no_grad():
            remainder = self._without_previous(image.to(current.dtype))
            alpha = dot(current, remainder)
            add_scaled(remainder, current, -alpha)
            if self._keep:
                self.basis.append(current)
                remove(remainder, self.basis)
            self._advance(remainder, alpha)

    def coefficients(self) -> Tensor:
        """The numbers so far, for `ritz` once they are on the host.

        Returns:
            fp64, shape (2, steps), on the device and not waited for: α, and β with the last one behind T's corner.

        Raises:
            ValueError: No step was made.
        """
        if not self._alphas:
            raise ValueError("no step of Lanczos was made; make at least one")
        return torch.stack([torch.stack(self._alphas), torch.stack(self._betas)])

    def vector(self, components: ArrayLike) -> Tensor:
        """A Ritz vector.

        Args:
            components: A column of `Ritz.components`, shape (K,), on the host.

        Returns:
            Shape (size,), of length 1 up to rounding.

        Raises:
            ValueError: The basis was not kept, or is shorter than the column.
        """
        column = np.asarray(components, dtype=np.float64)
        if len(column) > len(self.basis):
            raise ValueError(f"{len(column)} components for {len(self.basis)} kept vectors; run with keep=True")
        return combination(self.basis[: len(column)], column.tolist())

    def _without_previous(self, image: Tensor) -> Tensor:
        """A v_j − β v_{j−1} as a vector of its own, where v_{j−1} was when that is needed no more."""
        if self._previous is None:
            return image.clone()
        factor = -self._betas[-1].to(image.dtype)
        return torch.addcmul(image, self._previous, factor, out=None if self._keep else self._previous)

    def _advance(self, remainder: Tensor, alpha: Tensor) -> None:
        beta = norm(remainder)
        self._scale = torch.maximum(self._scale, torch.maximum(alpha.abs(), beta))
        ended = beta <= _ROUNDINGS * torch.finfo(remainder.dtype).eps * self._scale  # false for NaN, which must stay
        self._alphas.append(alpha)
        self._betas.append(beta.masked_fill(ended, 0.0))
        remainder.mul_(beta.reciprocal().masked_fill(ended, 0.0).to(remainder.dtype))
        self._previous, self._current = self._current, remainder


@dataclass(frozen=True, slots=True, eq=False)
class Ritz:
    """What K products have told, on the host, ascending.

    values: Ritz values θ, shape (K,), in the unit of A. All NaN when a product was not finite.
    residuals: an eigenvalue of A lies so near to each, shape (K,); which one is not said.
    weights: squared first components, shape (K,), with sum 1.
    components: columns of coefficients of the Ritz vectors in the basis, shape (K, K).
    random_start: whether the weights tell about A, and not about the start.
    """

    values: NDArray[np.float64]
    residuals: NDArray[np.float64]
    weights: NDArray[np.float64]
    components: NDArray[np.float64]
    random_start: bool


def ritz(alphas: ArrayLike, betas: ArrayLike, *, random_start: bool = False) -> Ritz:
    """Solve the tridiagonal problem, on the host in fp64.

    Args:
        alphas: Shape (K,), on the host.
        betas: Shape (K,); the last one is the length of the remainder. From an exact 0 on there is nothing more: the
            steps before it hold an invariant subspace, and K is cut there.
        random_start: What the run says of itself; unless it is true, quadrature is refused.

    Raises:
        ValueError: The numbers of coefficients differ, or there are none.

    Example:
        >>> ritz([1.0, 3.0], [0.0, 5.0]).values.tolist()  # the start was an eigenvector
        [1.0]
        >>> found = ritz([0.0, 0.0], [1.0, 0.5])
        >>> found.values.round(6).tolist(), found.residuals.round(6).tolist()
        ([-1.0, 1.0], [0.353553, 0.353553])
    """
    diagonal, beside = np.asarray(alphas, dtype=np.float64), np.asarray(betas, dtype=np.float64)
    if diagonal.shape != beside.shape or diagonal.size == 0:
        raise ValueError(f"alphas has {diagonal.size} entries and betas {beside.size}; give as many, at least one")
    ends = np.flatnonzero(beside == 0.0)
    steps = int(ends[0]) + 1 if ends.size else diagonal.size
    diagonal, beside = diagonal[:steps], beside[:steps]
    if not (np.isfinite(diagonal).all() and np.isfinite(beside).all()):
        nothing = np.full(steps, np.nan)
        return Ritz(nothing, nothing, nothing, np.full((steps, steps), np.nan), random_start)
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, components = np.linalg.eigh(matrix)
    return Ritz(values, beside[-1] * np.abs(components[-1]), components[0] ** 2, components, random_start)


def _towards_image(found: Ritz) -> float:
    """s_K/θ of the top Ritz vector; 0 where θ is not positive: power iteration would go elsewhere."""
    top = float(found.values[-1])
    return float(found.components[-1, -1]) / top if top > 0 else 0.0


def combination(vectors: Sequence[Tensor], factors: Sequence[float]) -> Tensor:
    """Sum of vectors, at least one of shape (size,), times as many factors that the host knows.

    Example:
        >>> combination([torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])], [2.0, 3.0]).tolist()
        [2.0, 3.0]
    """
    with torch.no_grad():
        total = torch.zeros_like(vectors[0])
        for vector, factor in zip(vectors, factors, strict=True):
            total.add_(vector, alpha=factor)
        return total
