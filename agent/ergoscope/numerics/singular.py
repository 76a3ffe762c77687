"""How evenly a matrix stretches: all its singular values, and the number of them that count."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FAINT = 1e-3  # of the largest singular value: what is below is lost in the rounding of the products of rows

Spectrum = NDArray[np.float64]


def products_of(matrix: Tensor, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """WWᵀ or WᵀW, whichever is smaller, where the matrix is and without waiting for it.

    Args:
        matrix: Shape (rows, columns).
        dtype: In which products are added.

    Returns:
        Shape (smaller side, smaller side), of that dtype.
    """
    rows, columns = matrix.shape
    with torch.autocast(matrix.device.type, enabled=False):
        dense = matrix.to(dtype)
        return dense @ dense.t() if rows <= columns else dense.t() @ dense


def eigenvalues_of(matrix: Tensor) -> Spectrum:
    """Eigenvalues of WWᵀ or WᵀW, whichever is smaller: the squares of W's singular values.

    Args:
        matrix: On the host, shape (rows, columns), finite.

    Returns:
        Shape (smaller side,), rising.

    Raises:
        ValueError: An entry is not finite.

    Example:
        >>> eigenvalues_of(torch.tensor([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]])).tolist()
        [4.0, 9.0]
    """
    return eigenvalues_of_products(products_of(matrix))


def eigenvalues_of_products(products: Tensor) -> Spectrum:
    """Eigenvalues of what `products_of` gave.

    Products added in fp32 leave an eigenvalue an error of some 2e-7 of the largest: those below 1e-6 of it are given
    as 0.

    Args:
        products: On the host, shape (side, side).

    Returns:
        Shape (side,), rising.

    Raises:
        ValueError: An entry is not finite.
    """
    if not bool(torch.isfinite(products).all()):
        raise ValueError("the matrix has entries that are not finite, or whose squares are not; there is no spectrum")
    values: Spectrum = torch.linalg.eigvalsh(products.double()).numpy()
    return np.where(values < FAINT**2 * values[-1], 0.0, values)


def effective_rank(eigenvalues: Spectrum) -> float:
    """Number of directions that a matrix uses: exp(-Σ pᵢ log pᵢ) with pᵢ = σᵢ/Σσ.

    k equal singular values give k. Source: Roy, Vetterli (2007).

    Args:
        eigenvalues: σᵢ², none below zero.

    Returns:
        From 1 to how many there are; NaN where all are zero.

    Example:
        >>> round(effective_rank(np.array([0.0, 4.0, 4.0, 4.0])), 12)
        3.0
    """
    values = np.sqrt(eigenvalues[eigenvalues > 0])
    if not len(values):
        return float("nan")
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
