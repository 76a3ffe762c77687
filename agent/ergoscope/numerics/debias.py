"""What repeated noisy readings of one gradient say of the slope behind them, and of the noise.

g is the gradient that a step uses, an estimate of the true slope G: E g = G, and tr Cov(g) is its noise. A step
averages B examples, so tr Cov(g) = tr Σ / B, Σ the covariance of the examples' gradients.
"""

import math
from typing import NamedTuple


class Split(NamedTuple):
    """Estimates of ‖G‖² and of tr Cov(g); each is unbiased, so each may fall below zero by chance."""

    slope: float
    noise: float


def split_by_parts(whole: float, parts: float, count: float) -> Split:
    """Separate slope and noise by the parts whose mean the step's gradient is.

    For parts g_i of equal size with mean g:

        ‖G‖² = (‖Σ g_i‖² - Σ ‖g_i‖²) / (m (m - 1)),   tr Cov(g) = (mean ‖g_i‖² - ‖G‖²) / m.

    Autograd adds p_i = g_i / m, whose sum is g. With A = Σ ‖p_i‖² this is

        ‖G‖² = m (‖g‖² - A) / (m - 1),   tr Cov(g) = (m A - ‖g‖²) / (m - 1).

    Both are linear in A. So where only some of the parts are known, as those of one process of several, A may be their
    sum over their share of the parts, and the mean of the results of all processes is the result of all parts.
    Source: McCandlish, Kaplan, Amodei (2018), appendix A.1, with B_small = B / m and B_big = B.

    Args:
        whole: ‖g‖².
        parts: A.
        count: m.

    Raises:
        ValueError: There are fewer than two parts.

    Example:
        >>> split_by_parts(whole=1.0, parts=1.0, count=2)  # of (1, 1) and (1, -1): their mean is (1, 0)
        Split(slope=0.0, noise=1.0)
    """
    if count < 2:
        raise ValueError(f"count is {count}; it takes at least 2 parts to tell the slope from the noise")
    return Split(count * (whole - parts) / (count - 1), (count * parts - whole) / (count - 1))


def split_by_signs(whole: float, contrast: float) -> Split:
    """Separate slope and noise by a batch that was summed a second time with signs.

    With g = (1/n) Σ x_i over independent examples and d = (1/n) Σ ε_i x_i, where Σ ε_i = 0 and Σ ε_i² = n, the slope
    drops out of d and the noise stays:

        E ‖d‖² = tr Cov(g),   E ‖g‖² = ‖G‖² + tr Cov(g).

    For n even and signs that are 1 for one half and -1 for the other, d = g_a - g_b and g = g_a + g_b, so that
    ‖g‖² - ‖d‖² = 4 g_a·g_b: the two halves as parts. Where noise is Gaussian the slope varies by
    4 G' Cov(g) G + 4 tr(Cov(g)²), the noise by 2 tr(Cov(g)²).

    Args:
        whole: ‖g‖².
        contrast: ‖d‖².

    Example:
        >>> split_by_signs(whole=1.0, contrast=1.0)  # of (1, 1) and (1, -1), halved: (1, 0) and (0, 1)
        Split(slope=0.0, noise=1.0)
    """
    return Split(whole - contrast, contrast)


class Level:
    """Exponentially weighted mean of readings, with its standard error.

    Readings that are not finite are left out.
    """

    def __init__(self, decay: float = 0.99) -> None:
        """Keep a memory of about 1 / (1 - decay) readings."""
        self._decay = decay
        self._weight = self._weights = self._sum = self._squares = 0.0

    def add(self, value: float) -> None:
        """Take a reading in."""
        if math.isfinite(value):
            keep, take = self._decay, 1.0 - self._decay
            self._weight = keep * self._weight + take
            self._weights = keep * keep * self._weights + take * take
            self._sum = keep * self._sum + take * value
            self._squares = keep * self._squares + take * value * value

    @property
    def mean(self) -> float:
        """The mean; NaN before the first reading."""
        return self._sum / self._weight if self._weight else math.nan

    @property
    def variance(self) -> float:
        """The square of the mean's standard error; infinite before the second reading."""
        leak = self._weights / self._weight**2 if self._weight else 1.0
        if leak >= 1.0 - 1e-12:
            return math.inf
        scatter = max(self._squares / self._weight - self.mean**2, 0.0) / (1.0 - leak)
        return scatter * leak
