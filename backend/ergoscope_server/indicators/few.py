"""The mean of few readings with an honest interval: what is measured rarely has no hundred batches."""

import math
from dataclasses import dataclass

from scipy.special import stdtrit

from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.mean import batch_length, long_run_variance
from ergoscope_server.indicators.points import FloatArray

FEWEST = 8
BATCHES = 4  # at least


@dataclass(frozen=True, slots=True)
class Few:
    """Mean of n readings with its standard error and the degrees of freedom behind that."""

    mean: float
    error: float
    dof: float
    n: int

    def half(self, share: float = 0.95) -> float:
        """Give the half-width of the interval that holds the mean with a probability."""
        return float(stdtrit(self.dof, 0.5 + share / 2)) * self.error

    def beyond(self, share: float) -> float:
        """Give the lower bound that the mean lies above with a probability."""
        return self.mean - float(stdtrit(self.dof, share)) * self.error


def mean_of_few(values: FloatArray) -> Few | None:
    """Give the mean with an error from overlapping batch means; None below eight readings.

    Batches are as long as a mean of many asks for, but at most a quarter of the readings. So the memory of a slowly
    changing series widens the interval through the spread of four batches and Student's t with few degrees of freedom;
    what is remembered longer than that is not allowed for.

    Args:
        values: Finite values, shape (n,), in step order.
    """
    n = len(values)
    if n < FEWEST:
        return None
    batch = min(batch_length(n, iat_geyer(values).tau), n // BATCHES)
    spread = long_run_variance(values, batch=batch)
    return Few(float(values.mean()), math.sqrt(spread.variance / n), spread.dof, n)
