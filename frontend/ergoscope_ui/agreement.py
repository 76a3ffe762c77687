"""Whether two quantities put runs in the same order: Kendall's rank correlation, with an interval."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 10  # runs; below it an interval would hold almost everything
_SPREAD = 0.437  # times 1/(n - 4): the variance of atanh τ
_NORMAL = 1.959964  # quantile of 97.5 %


@dataclass(frozen=True, slots=True)
class Agreement:
    """τ, its 95 % interval, and of how many runs it is."""

    value: float
    low: float
    high: float
    count: int


def agreement(some: NDArray[np.float64], others: NDArray[np.float64]) -> Agreement | None:
    """Kendall's τ_b of the pairs of which both values are finite.

    τ = Σ sign(x_i - x_j) sign(y_i - y_j) over the root of the number of pairs that differ in x times that in y. The
    interval is that of atanh τ with the variance .437/(n - 4), made for values that are normal together, and with
    Student's quantile of n - 2 degrees of freedom in place of the normal one: with that it holds the truth less often
    than it says where |τ| is large and runs are few, and so it still does near 1 with ten. Sources: Kendall (1945);
    Fieller, Hartley, Pearson (1957).

    Args:
        some: Shape (n,), one a run.
        others: Likewise.

    Returns:
        None with fewer than ten such pairs, or where all values of one are equal: then nothing is in any order.

    Example:
        >>> found = agreement(np.arange(12.0), np.arange(12.0) ** 3)
        >>> found.value, found.count
        (1.0, 12)
    """
    both = np.isfinite(some) & np.isfinite(others)
    x, y = some[both], others[both]
    count = len(x)
    if count < FEWEST:
        return None
    upper = np.triu_indices(count, 1)
    dx, dy = (np.sign(v[:, None] - v[None, :])[upper] for v in (x, y))
    size = math.sqrt(float(np.abs(dx).sum()) * float(np.abs(dy).sum()))
    if not size:
        return None
    value = float((dx * dy).sum()) / size
    most = 1 - 1 / len(dx)  # half a pair short of 1, where the interval would have no width
    middle, half = math.atanh(min(max(value, -most), most)), _student(count - 2) * math.sqrt(_SPREAD / (count - 4))
    return Agreement(value, min(math.tanh(middle - half), value), max(math.tanh(middle + half), value), count)


def _student(freedom: int) -> float:
    """The quantile of 97.5 % of Student's distribution, by its expansion in 1/freedom: to .006 from eight on."""
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
