"""Is a series a random walk? The augmented Dickey-Fuller test, which the KPSS test asks from the other side."""

import math

import numpy as np

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("adf",)
CRITICAL = -2.86  # below it a random walk of several hundred steps lies 5 % of the time
MOST = 400  # means that the regression is of
FEWEST = 50


def adf(values: FloatArray) -> float:
    """Give the t of ρ in ΔY_t = c + ρ Y_{t-1} + Σ_k φ_k ΔY_{t-k}, of at most 400 means Y of neighbouring values.

    Means of a random walk are one, but for increments that remember one step, which the 12 (m/100)^¼ lags take up. A
    constant series gives 0. Sources: Dickey and Fuller (1979); Said and Dickey (1984); the lags: Schwert (1989).

    Args:
        values: Finite values, shape (n,), n >= 50, equally spaced.

    Raises:
        ValueError: fewer than 50 values.
    """
    n = len(values)
    if n < FEWEST:
        raise ValueError(f"{n} values; the test of a random walk needs at least {FEWEST}")
    length = math.ceil(n / MOST)
    m = n // length
    means = values[n - m * length :].reshape(m, length).mean(axis=1)
    lags = min(int(12 * (m / 100) ** 0.25), m // 4)
    steps = np.diff(means)
    rows = len(steps) - lags
    columns = [np.ones(rows), means[lags:-1], *(steps[lags - k : len(steps) - k] for k in range(1, lags + 1))]
    design = np.stack(columns, axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    fitted = inverse @ (design.T @ steps[lags:])
    rest = steps[lags:] - design @ fitted
    variance = float(rest @ rest) / (rows - design.shape[1]) * float(inverse[1, 1])
    return float(fitted[1]) / math.sqrt(variance) if variance > 0 else 0.0
