"""Sudden jumps of the loss, and those of them that it came back from: catapults."""

from dataclasses import dataclass

import numpy as np

from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.indicators.robust_z import GAUSSIAN, WINDOW

PRODUCES = ("spike_count", "catapult_count")
HIGH, TWICE = 8.0, 5.0  # a z that is a spike by itself; one that is when it comes twice within three steps
BLOCK = 50  # points that are compared with one past: a window a block, not a point
RECOVERY = 200  # points within which a loss must be back


@dataclass(frozen=True, slots=True)
class Spikes:
    """Jumps of a stretch: index of the first point of each, and how many the loss came back from.

    open: jumps whose recovery cannot be told yet, as fewer than 200 points have passed.
    """

    starts: tuple[int, ...]
    recovered: int
    open: int


def find_spikes(values: FloatArray) -> Spikes:
    """Find jumps: z > 8, or z > 5 twice within three steps, against the median and MAD of the 200 points before.

    The past moves on by 50 points at a time, and points that are jumps themselves are left out of it by its median.
    Jumps less than 50 points apart are one. The loss came back when the median of some 20 points in a row within 200
    after it is within three deviations of the median before, or below. Thresholds: false alarms 1.3e-3 a point on
    Student's t with 3 degrees of freedom, none on Gaussian noise.

    Args:
        values: Finite losses, shape (n,), equally spaced.
    """
    n = len(values)
    count = (n - WINDOW) // BLOCK
    if count < 1:
        return Spikes((), 0, 0)
    ends = WINDOW + BLOCK * np.arange(count)
    past = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[ends - WINDOW]
    centre = np.median(past, axis=1)
    spread = GAUSSIAN * np.median(np.abs(past - centre[:, None]), axis=1)
    fresh = values[WINDOW : WINDOW + count * BLOCK].reshape(count, BLOCK)
    above = fresh - centre[:, None]
    z = np.where(spread[:, None] > 0, above / np.where(spread > 0, spread, 1.0)[:, None], 0.0).ravel()
    twice = (z > TWICE) & _near(z > TWICE)
    hits = np.flatnonzero((z > HIGH) | twice)
    starts = [int(hit) for i, hit in enumerate(hits) if not i or hit - hits[i - 1] > BLOCK]
    back = [_back(values, WINDOW + s, float(centre[s // BLOCK]), float(spread[s // BLOCK])) for s in starts]
    return Spikes(tuple(WINDOW + s for s in starts), back.count(True), back.count(None))


def _near(high: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Say of each point whether one of the two before or after it is high too."""
    found = np.zeros_like(high)
    for away in (1, 2):
        found[away:] |= high[:-away]
        found[:-away] |= high[away:]
    return found


def _back(values: FloatArray, at: int, level: float, spread: float) -> bool | None:
    after = values[at + 1 : at + 1 + RECOVERY]
    parts = after[: len(after) // 20 * 20].reshape(-1, 20)
    if len(parts) and bool((np.median(parts, axis=1) <= level + 3 * spread).any()):
        return True
    return False if len(after) == RECOVERY else None
