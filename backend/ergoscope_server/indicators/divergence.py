"""Is the loss running away?"""

from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.indicators.robust_z import mad

SPAN = 50  # steps of the exponential average
REFERENCE = 2000  # points it is compared with, more when they are strongly correlated
LONGEST = 10_000
GAP = 100  # newest points left out of the comparison
LEAST = 200  # points of reference below which nothing is said
BLOCK = 100
RISE, MOST = 0.5, 5.0  # of the lowest level: what counts as a rise, and what does even of a loss that is all but gone
SHARE = 0.05  # of the start


@dataclass(frozen=True, slots=True)
class Divergence:
    """The smoothed loss against the limit it would have to pass; both in the unit of the loss."""

    level: float
    limit: float
    rising: bool

    @property
    def holds(self) -> bool:
        """Say whether the loss is beyond its limit and still rising."""
        return self.rising and self.level > self.limit


def smoothed(values: FloatArray, *, span: int = SPAN) -> FloatArray:
    """Give the exponential average with weight 2 / (span + 1), shape (n,), from the first value on.

    Args:
        values: Finite values, shape (n,).
        span: Steps the average reaches back.
    """
    keep = 1 - 2 / (span + 1)
    out = np.empty(len(values))
    level = float(values[0]) if len(values) else 0.0
    chunk = 8 * span  # keep ** -chunk stays far from the largest float
    powers = keep ** np.arange(1, chunk + 1)
    for begin in range(0, len(values), chunk):
        part = values[begin : begin + chunk]
        p = powers[: len(part)]
        out[begin : begin + len(part)] = p * (level + (1 - keep) * np.cumsum(part / p))
        level = float(out[begin + len(part) - 1])
    return out


def divergence(
    values: FloatArray, averages: FloatArray, *, start: float, tau: float, warming: bool
) -> Divergence | None:
    """Compare the smoothed loss with its recent past and with its start.

    The limit is passed when the average is beyond 6 robust deviations of the averages of the last 2,000 points, and
    also half of the lowest level in them above it, or beyond the start, each plus 3 robust deviations of the raw loss.
    Without the first condition a slowly wandering loss would pass the other by chance. At the edge of stability a loss
    jumps to many times its lowest level and comes back: so a rise must be larger, as a share of the lowest level, than
    any of those points came back from, and where it is below a twentieth of the start, five times the lowest level.
    While the learning rate warms up, only 1.5 times the start counts. None before there are 300 points.

    Args:
        values: Finite losses, shape (n,).
        averages: Their exponential averages, shape (n,).
        start: Level at the start of the run.
        tau: Integrated autocorrelation time in points.
        warming: Whether the learning rate is still warming up.
    """
    if len(values) < LEAST + GAP:
        return None
    reach = min(LONGEST, max(REFERENCE, round(20 * tau)))
    past = slice(max(0, len(values) - reach - GAP), len(values) - GAP)
    raw, smooth = values[past], averages[past]
    noise = 3 * mad(raw)
    blocks = raw[len(raw) % BLOCK :].reshape(-1, BLOCK)
    lowest = float(np.median(blocks, axis=1).min())
    rise = max(max(RISE, _overcome(smooth)) * abs(lowest), min(SHARE * abs(start), MOST * abs(lowest)))
    high_start = start + 0.5 * abs(start) + noise
    passed = high_start if warming else min(lowest + rise, start) + noise
    wander = float(np.median(smooth)) + 6 * mad(smooth)
    back = min(max(SPAN // 2, round(2 * tau)), len(values) - 1)
    level = float(averages[-1])
    return Divergence(level, max(wander, passed), level > float(averages[-1 - back]))


def _overcome(averages: FloatArray) -> float:
    """Give the largest rise above the lowest level so far, as a share of it, of which at least half was lost again."""
    lowest = np.minimum.accumulate(averages)
    later = np.minimum.accumulate(averages[::-1])[::-1]
    risen = averages - lowest
    back = later - lowest <= risen / 2
    return float(np.max(risen[back] / np.maximum(np.abs(lowest[back]), np.finfo(float).tiny)))
