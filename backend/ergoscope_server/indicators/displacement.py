"""How weights wander: their mean squared displacement against the time between two looks."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from ergoscope_server.indicators.points import FloatArray, IntArray

PRODUCES = ("msd_exponent",)
FEWEST = 24  # looks
MOST = 128
WIDE = 0.25  # of an octave: lags of one bin
LONGEST = 0.5  # of the stretch: beyond it hardly two displacements are of different times
LATE = 0.125  # of the stretch: from there on the exponent is fitted
BLOCKS = 10  # left out in turn for the error
PAIRS = 4  # in a bin, at least


@dataclass(frozen=True, slots=True)
class Displacement:
    """Mean squared displacement of a stretch, and how it grows at long lags.

    lags: steps, shape (m,); squares: shape (m,), in the unit of the looks, squared.
    exponent: d log MSD / d log lag at lags of an eighth to a half of the stretch: 2 straight on, 1 free, 0 confined.
    error: its standard error, by a jackknife over ten stretches of time.
    basin: where a saturating curve fits better than a power of the lag: its radius, and the steps to cross it.
    looks: how many there were.
    """

    lags: FloatArray
    squares: FloatArray
    exponent: float
    error: float
    basin: tuple[float, float] | None
    looks: int


def squared_distances(looks: FloatArray) -> FloatArray:
    """Give ‖x_i - x_j‖² of all pairs, shape (n, n).

    Args:
        looks: Sketches of one seed, shape (n, k).
    """
    centred = looks - looks.mean(axis=0)
    gram = centred @ centred.T
    lengths = np.diag(gram)
    found: FloatArray = np.maximum(lengths[:, None] + lengths[None, :] - 2 * gram, 0.0)
    return found


def displacement(steps: IntArray, squares: FloatArray) -> Displacement:
    """Average squared distances over pairs of looks that are about as far apart in time.

    MSD(l) = mean of ‖w_{t+l} - w_t‖² over bins of a quarter octave of l, so that looks need not be equally far apart.

    Args:
        steps: Steps of the looks, shape (n,), rising, n >= 24.
        squares: Their squared distances, shape (n, n).

    Raises:
        ValueError: fewer than 24 looks.
    """
    n = len(steps)
    if n < FEWEST:
        raise ValueError(f"{n} looks at the weights; how they wander is told from {FEWEST} on")
    before, after = np.triu_indices(n, 1)
    apart, moved = (steps[after] - steps[before]).astype(np.float64), squares[before, after]
    span = float(steps[-1] - steps[0])
    near = apart <= LONGEST * span
    before, after, apart, moved = before[near], after[near], apart[near], moved[near]
    bins = np.floor(np.log2(apart / apart.min()) / WIDE + 0.5).astype(np.int64)
    lags, msd = _binned(bins, apart, moved, np.ones(len(apart)))
    blocks = np.minimum((np.arange(n) * BLOCKS) // n, BLOCKS - 1)
    slopes = []
    for block in range(BLOCKS):
        kept = ((blocks[before] != block) & (blocks[after] != block)).astype(np.float64)
        slopes.append(_slope(*_binned(bins, apart, moved, kept), span))
    left = np.array(slopes)
    error = math.sqrt((BLOCKS - 1) / BLOCKS * float(((left - left.mean()) ** 2).sum()))
    return Displacement(lags, msd, _slope(lags, msd, span), error, _basin(lags, msd), n)


def _binned(bins: IntArray, apart: FloatArray, moved: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the mean lag, geometric, and the mean square of each bin that holds pairs enough."""
    mass = np.bincount(bins, weights)
    full = mass >= PAIRS
    lags = np.exp(np.bincount(bins, weights * np.log(apart))[full] / mass[full])
    return lags, np.bincount(bins, weights * moved)[full] / mass[full]


def _slope(lags: FloatArray, msd: FloatArray, span: float) -> float:
    late = (lags >= LATE * span) & (msd > 0)
    if np.count_nonzero(late) < 2:
        return 0.0
    away, level = np.log(lags[late]), np.log(msd[late])
    away -= away.mean()
    return float(away @ level) / float(away @ away)


def _basin(lags: FloatArray, msd: FloatArray) -> tuple[float, float] | None:
    """Fit log V (1 - exp(-l/T)) and log c l^p; give √(V/2) and T where the first leaves less and T is within sight."""
    if len(lags) < 5 or not (msd > 0).all():
        return None
    level = np.log(msd)

    def rest(log_time: float) -> FloatArray:
        left: FloatArray = level - np.log(-np.expm1(-lags / math.exp(log_time)))
        return left

    bounds = (math.log(lags[0] / 4), math.log(4 * lags[-1]))
    best = float(minimize_scalar(lambda x: float(rest(x).var()), bounds=bounds, method="bounded").x)
    power = np.polyval(np.polyfit(np.log(lags), level, 1), np.log(lags))
    if rest(best).var() >= float(((level - power) ** 2).mean()) or math.exp(best) > lags[-1] / 2:
        return None
    return math.sqrt(math.exp(float(rest(best).mean())) / 2), math.exp(best)
