"""How slowly the fluctuations of a series die out: the decay of its autocorrelation."""

import math
from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.autocorrelation import autocorrelation
from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("acf_decay_rate",)
LEAST = 0.1  # correlations below are mostly noise
BLOCKS = 20  # that are left out in turn for the error
MOST = 200  # lags that the line is fitted to


@dataclass(frozen=True, slots=True)
class Decay:
    """What a fluctuation keeps of itself from one point to the next: λ with ρ_k ~ λ^k, in [0, 1).

    error: standard error of it. lags: how many the fit went over.
    """

    rate: float
    error: float
    lags: int


def decay_rate(values: FloatArray, *, rho: FloatArray | None = None) -> Decay:
    """Fit log ρ_k = a + k log λ over the lags up to the first with ρ below .1, each weighted by ρ².

    The intercept takes up noise that has no memory, as that of batches, which lowers all ρ_k alike. λ stands for the
    second eigenvalue of the Markov operator of the dynamics as this series sees it, 1 - λ for its spectral gap. With
    one lag only λ = ρ_1; with none it is 0. The error is that of a jackknife over 20 blocks of the sums of products.
    The idea: Chandramoorthy, Loukas, Gatmiry, Jegelka (2022); fit and lags are ours.

    Args:
        values: Finite values, shape (n,), n >= 400, equally spaced.
        rho: Their autocorrelation, where it is worked out already.

    Raises:
        ValueError: fewer than 400 values.
    """
    n = len(values)
    if n < BLOCKS**2:
        raise ValueError(f"{n} values; the decay of fluctuations needs at least {BLOCKS**2}")
    rho = (autocorrelation(values) if rho is None else rho)[: n // BLOCKS]
    below = np.flatnonzero(rho < LEAST)
    lags = int(below[0]) - 1 if len(below) else len(rho) - 1
    if lags < 1:
        return Decay(0.0, 0.0, 0)
    chosen = np.unique(np.linspace(1, lags, min(lags, MOST)).astype(np.int64))
    without = _left_out(values - values.mean(), chosen)
    rates = np.array([_rate(chosen, row) for row in without])
    error = math.sqrt((BLOCKS - 1) / BLOCKS * float(((rates - rates.mean()) ** 2).sum()))
    return Decay(_rate(chosen, rho[chosen]), error, lags)


def _left_out(centred: FloatArray, lags: np.ndarray) -> FloatArray:
    """Give ρ at these lags without each of the blocks, shape (blocks, lags)."""
    n = len(centred)
    edges = np.linspace(0, n, BLOCKS + 1).astype(np.int64)[:-1]
    squares = np.add.reduceat(centred * centred, edges)
    products = np.empty((BLOCKS, len(lags)))
    for column, lag in enumerate(lags):
        both = np.zeros(n)
        both[: n - lag] = centred[: n - lag] * centred[lag:]
        products[:, column] = np.add.reduceat(both, edges)
    left = squares.sum() - squares
    kept: FloatArray = (products.sum(axis=0) - products) / left[:, None]
    return kept


def _rate(lags: np.ndarray, rho: FloatArray) -> float:
    if len(lags) == 1:
        return float(np.clip(rho[0], 0.0, 1.0 - 1e-12))
    rho = np.maximum(rho, 1e-3)
    weights = rho * rho / float(rho @ rho)
    away = lags - weights @ lags
    slope = float((weights * away) @ np.log(rho)) / float((weights * away) @ away)
    return min(math.exp(slope), 1.0 - 1e-12)
