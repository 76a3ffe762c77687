"""Series whose statistics are known: AR(1), and a training run made of levels, decays and AR(1) noise."""

import numpy as np
from scipy.signal import lfilter

from ergoscope_server.indicators.points import FloatArray

SEEDS = (1, 2, 3)


def ar1(phi: float, n: int, *, seed: int) -> FloatArray:
    """n values of x_t = φ x_(t-1) + e_t in their stationary law, of variance 1.

    Integrated autocorrelation time (1+φ)/(1-φ), which is also the long-run variance.
    """
    noise = np.random.default_rng(seed).normal(size=n)
    noise[1:] *= np.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise), dtype=np.float64)


def student(n: int, *, seed: int, dof: int = 3) -> FloatArray:
    """n independent draws with heavy tails."""
    return np.random.default_rng(seed).standard_t(dof, size=n)


def settling(n: int, *, level: float, height: float, time: float) -> FloatArray:
    """An exponential decay from level + height to level."""
    return level + height * np.exp(-np.arange(n) / time)


def memory(phi: float) -> float:
    """The integrated autocorrelation time of AR(1)."""
    return (1 + phi) / (1 - phi)
