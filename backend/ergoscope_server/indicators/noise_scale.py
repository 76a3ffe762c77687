"""Signal and noise of the gradient over a stretch, as ratios of means: never means of ratios."""

import math
from dataclasses import dataclass

from ergoscope_server.indicators.few import mean_of_few
from ergoscope_server.indicators.points import FloatArray

CLEAR = 2.0  # standard errors that a denominator must be above zero


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two means with its 95 % interval.

    Where the denominator is not two standard errors above zero there is no ratio, and `low` alone bounds it: what the
    largest denominator that is likely would give, infinity where none is above zero.
    """

    value: float | None
    low: float
    high: float | None
    n: int


def ratio_of_means(above: FloatArray, below: FloatArray) -> Ratio | None:
    """Divide the mean of one series by that of another, read at the same steps; None below eight readings.

    The error is the delta method's, from batch means of above - ratio · below, so that what both share counts once.
    Source of ratio and caution: McCandlish et al. (2018), appendix A.1.

    Args:
        above: Finite readings, shape (n,).
        below: Finite readings, shape (n,).
    """
    top, bottom = mean_of_few(above), mean_of_few(below)
    if top is None or bottom is None:
        return None
    if bottom.mean <= CLEAR * bottom.error:
        most = bottom.mean + bottom.half()
        return Ratio(None, max(0.0, top.mean) / most if most > 0 else math.inf, None, top.n)
    value = top.mean / bottom.mean
    rest = mean_of_few(above - value * below)
    assert rest is not None  # of as many readings as its parts
    half = rest.half() / bottom.mean
    return Ratio(value, value - half, value + half, top.n)
