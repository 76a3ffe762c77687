"""The power law that fits the tail of a spectrum best, and what the same fit makes of a random matrix."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ergoscope.numerics.singular import Spectrum, eigenvalues_of

FEWEST = 10  # values in a tail
_BEGINNINGS = 256  # places at which a tail may begin that are tried
_SEED = 0


@dataclass(frozen=True, slots=True)
class Tail:
    """A density ∝ x^-exponent above `least`.

    error: standard error of the exponent if that were the density and `least` were given.
    distance: largest gap between the distribution function of the tail and that of the power law.
    count: values in the tail.
    """

    exponent: float
    error: float
    distance: float
    count: int
    least: float


def fit_tail(values: Spectrum) -> Tail | None:
    """Fit a power law to the upper end of a sample, its beginning chosen where it fits best.

    The exponent is 1 + n/Σ log(x/x_min), the most likely one, and x_min the value at which the distance of Kolmogorov
    and Smirnov is least. A good fit says little: the spectrum of a Gaussian matrix fits with an exponent near 6.
    Source: Clauset, Shalizi, Newman (2009), equations 3.1, 3.2 and 3.9.

    Args:
        values: Those above zero are looked at; of more than 256 of these every n-th is tried for x_min.

    Returns:
        None where there are fewer than ten different ones.

    Example:
        >>> tail = fit_tail(np.arange(1, 2001) ** -0.5)  # a share x^-2 of them is above x
        >>> round(tail.exponent), tail.count > 100
        (3, True)
    """
    logs = np.sort(np.log(values[values > 0]))
    if len(np.unique(logs)) < FEWEST:
        return None
    step = -(-len(logs) // _BEGINNINGS)
    found: tuple[float, int, float] | None = None
    for begin in range(0, len(logs) - FEWEST + 1, step):
        away = logs[begin:] - logs[begin]
        total = float(away.sum())
        if total <= 0:
            continue
        slope = len(away) / total
        distance = _distance(away, slope)
        if found is None or distance < found[0]:
            found = distance, begin, slope
    if found is None:
        return None
    distance, begin, slope = found
    count = len(logs) - begin
    return Tail(1.0 + slope, slope / count**0.5, distance, count, float(np.exp(logs[begin])))


def fit_random(rows: int, columns: int) -> Tail | None:
    """The same fit to a Gaussian matrix of that shape, one draw of a fixed seed: what no structure looks like."""
    generator = torch.Generator().manual_seed(_SEED)
    drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float32, device="cpu")
    return fit_tail(eigenvalues_of(drawn))


def _distance(away: NDArray[np.float64], slope: float) -> float:
    below = -np.expm1(-slope * away)
    steps = np.arange(len(away) + 1) / len(away)
    return float(max((below - steps[:-1]).max(), (steps[1:] - below).max()))
