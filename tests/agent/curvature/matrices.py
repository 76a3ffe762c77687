"""Matrices of known spectrum, and runs of Lanczos on them."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos, Ritz, ritz

Matrix = NDArray[np.float64]


def wigner(size: int, *, seed: int, spikes: Sequence[float] = ()) -> Matrix:
    """Semicircle of radius 2, entries beside the diagonal of variance 1/size; spikes along random directions."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(size, size))
    matrix = (noise + noise.T) / (2 * size) ** 0.5
    if not spikes:
        return matrix
    directions = np.linalg.qr(rng.normal(size=(size, len(spikes))))[0]
    return matrix + (directions * np.array(spikes)) @ directions.T


def covariance(size: int, samples: int, *, seed: int, spike: float = 1.0) -> Matrix:
    """Of Gaussian samples with variance 1, in the first entry `spike`: the law of Marchenko and Pastur."""
    samples_of = np.random.default_rng(seed).normal(size=(samples, size))
    samples_of[:, 0] *= spike**0.5
    return samples_of.T @ samples_of / samples


def five_on_a_bulk(size: int = 1000, *, seed: int = 5) -> Matrix:
    """Eigenvalues 50, 20, 10, 5, 2 and the others uniform on (−.5, 1)."""
    bulk = np.random.default_rng(seed).uniform(-0.5, 1.0, size=size - 5)
    return np.concatenate([[50.0, 20.0, 10.0, 5.0, 2.0], bulk])


def run(matrix: Tensor, steps: int, *, seed: int, keep: bool = True) -> Ritz:
    """Lanczos from a random start; a vector stands for the diagonal matrix."""
    lanczos = Lanczos.random(matrix.shape[0], seed=seed, keep=keep, dtype=matrix.dtype)
    for _ in range(steps):
        lanczos.step(lambda v: matrix * v if matrix.dim() == 1 else matrix @ v)
    return ritz(*lanczos.coefficients().numpy(), random_start=lanczos.random_start)


def runs_of(matrix: Matrix, steps: int, *, draws: int, dtype: torch.dtype = torch.float32) -> list[Ritz]:
    """As many runs, of seeds from 0 on."""
    tensor = torch.from_numpy(matrix).to(dtype)
    return [run(tensor, steps, seed=seed) for seed in range(draws)]
