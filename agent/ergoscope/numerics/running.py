"""A ratio of two noisy numbers that is smoothed before it is divided, never after."""

import math


class RatioOfMeans:
    """Exponentially weighted means of a numerator and a denominator with the same weights, divided last.

    With equal weights the correction for the start cancels in the ratio. A pair that is not finite is left out.

    Example:
        >>> ratio = RatioOfMeans(0.5)
        >>> ratio.add(1.0, 4.0), ratio.add(3.0, 4.0)
        (0.25, 0.5833333333333334)
    """

    def __init__(self, decay: float = 0.99) -> None:
        """Keep a memory of about 1 / (1 - decay) readings.

        Raises:
            ValueError: The decay is not between 0 and 1.
        """
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}; it must be at least 0 and below 1")
        self._decay = decay
        self._weight = self._numerator = self._denominator = 0.0

    def add(self, numerator: float, denominator: float) -> float:
        """Take a pair in and give the ratio; NaN while the denominator's mean is zero or nothing came in."""
        if math.isfinite(numerator) and math.isfinite(denominator):
            keep, take = self._decay, 1.0 - self._decay
            self._weight = keep * self._weight + take
            self._numerator = keep * self._numerator + take * numerator
            self._denominator = keep * self._denominator + take * denominator
        return self._numerator / self._denominator if self._denominator else math.nan

    @property
    def means(self) -> tuple[float, float]:
        """Both means, corrected for the start; NaN before the first pair."""
        if not self._weight:
            return math.nan, math.nan
        return self._numerator / self._weight, self._denominator / self._weight
