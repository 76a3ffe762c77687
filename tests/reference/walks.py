"""Walks of many dimensions whose displacement is known."""

import numpy as np

from ergoscope_server.indicators.points import FloatArray
from tests.reference.ar1 import ar1


def free(looks: int, size: int, *, seed: int) -> FloatArray:
    """Brownian: squared displacement grows as the lag. Shape (looks, size)."""
    return np.cumsum(np.random.default_rng(seed).normal(size=(looks, size)), axis=0)


def straight(looks: int, size: int, *, seed: int) -> FloatArray:
    """Ballistic: as the square of the lag."""
    return np.arange(looks)[:, None] * np.random.default_rng(seed).normal(size=size)


def confined(looks: int, size: int, *, phi: float, seed: int) -> FloatArray:
    """AR(1) in each coordinate, of variance 1: 2 size (1 - φ^lag)."""
    return np.stack([ar1(phi, looks, seed=seed * size + i) for i in range(size)], axis=1)
