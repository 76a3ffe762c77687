"""The step from which a series stays at its level: MSER-5."""

from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import FloatArray

PRODUCES = ("stabilization_onset",)
BATCH = 5
LEAST = 5  # batches that must remain: the criterion of a handful of them is small by chance


@dataclass(frozen=True, slots=True)
class Onset:
    """Where the transient ends: index of the first point kept, and whether the series had settled at all."""

    index: int
    settled: bool


def mser5(values: FloatArray, *, at_most: float = 0.5) -> Onset:
    """Find the truncation that minimises the squared standard error of the mean of what remains.

    Over means of 5, d minimises Σ_{i>d} (Y_i - Y_d)² / (m-d)². When the minimum lies at the bound, the series has not
    settled yet. Source: White (1997).

    Args:
        values: Finite values, shape (n,), n >= 50.
        at_most: Share of the series that may be cut.

    Raises:
        ValueError: fewer than 50 values.
    """
    if len(values) < 10 * BATCH:
        raise ValueError(f"{len(values)} values; MSER-5 needs at least {10 * BATCH}")
    m = len(values) // BATCH
    means = values[: m * BATCH].reshape(m, BATCH).mean(axis=1)
    centred = (means - means[m // 2 :].mean())[::-1]  # centring keeps the difference of squares exact
    k = np.arange(1, m + 1)
    spread = np.maximum(np.cumsum(centred**2) - np.cumsum(centred) ** 2 / k, 0.0) / k**2
    bound = int(at_most * m)
    cuts = np.arange(0, min(bound, m - LEAST) + 1)
    best = int(cuts[np.argmin(spread[m - 1 - cuts])])
    return Onset(index=best * BATCH, settled=best < bound)
