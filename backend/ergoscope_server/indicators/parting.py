"""Has a loss that had settled left its law? Its two halves against each other, with the memory it had while settled."""

import math

import numpy as np
from msgspec import Struct

from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.plateau import DOUBTFUL, LEAVE, LEAVE_P, MORE
from ergoscope_server.indicators.points import FloatArray, Points
from ergoscope_server.indicators.slope import TOLERANCE
from ergoscope_server.indicators.windows import BLOCK, window_test

STEADY_RATE = 0.05  # a larger change of the learning rate over a plateau may be what changed the loss
BEYOND = 3.0  # standard errors by which two means differ
SPREAD = 0.1  # relative change of the spread that matters
SIDE = 4  # blocks of draws to each side of a comparison


class Retest(Struct, frozen=True):
    """What the newest judgement makes of a plateau that it tested again.

    parted: p of its halves being draws of one distribution, 1 where what parts them needs no other cause or is past.
    falls: whether its slope is four standard errors below zero, however small.
    tau: its memory in points, as it was while the tests could tell.
    means: of the two halves where they differ beyond chance; else what parts them is another spread or shape.
    at: the first step of another level, where they do.
    """

    parted: float
    falls: bool
    tau: float
    means: tuple[float, float] | None = None
    at: int = -1

    @property
    def left(self) -> bool:
        """Say whether the loss has left its level: another mean, beyond what makes a plateau end."""
        return self.parted < LEAVE_P and self.means is not None


def retest(found: Assessment, before: Retest | None, kept: Points) -> Retest | None:
    """Compare the halves of a plateau once more; None where the judgement has put it to no test.

    A jump within a window passes for memory as long as the window, and then no test of the verdict can speak. So where
    they could last time and cannot now, the comparison is made with the memory of that time. Its newer three quarters
    must show the same: what is past is no news. A loss that falls is told of as such, a learning rate on the move may
    have brought on what changed, and differences of less than half a percent of the mean and a tenth of the spread,
    which many losses show to a test of them all, do not matter.

    Args:
        found: The judgement.
        before: What the one before made of the same plateau, if any.
        kept: Finite losses of the stretch that was judged.
    """
    e, losses = found.evidence, kept.values
    if e is None:
        return None
    falls = e.trend is not None and e.trend.slope + LEAVE * e.trend.error < 0
    tau = e.correlation.tau if e.windows is not None else before.tau if before is not None else None
    if tau is None:
        return None
    calm = Retest(1.0, falls, tau)
    explained = e.falling or (e.trend is not None and e.trend.falling) or abs(found.drift) > STEADY_RATE
    if e.flat or e.excused or explained or not _matters(losses):
        return calm
    if e.windows is None:
        p = max(_compared(part, tau, found.step) for part in (losses, losses[len(losses) // 4 :]))
    else:
        p = e.windows.p
    means = _means(losses, tau)
    return Retest(p, falls, tau, means, int(kept.steps[_turn(losses)]) if means else -1)


def _compared(losses: FloatArray, tau: float, seed: int) -> float:
    """Give p of two halves, from more permutations where it is small; 1 where they are too short."""
    if len(losses) < 2 * SIDE * BLOCK * (math.ceil(tau) + 1):
        return 1.0
    p = window_test(losses, tau=tau, seed=seed).p
    return p if p > DOUBTFUL else window_test(losses, tau=tau, seed=seed, permutations=MORE).p


def _matters(losses: FloatArray) -> bool:
    older, newer = np.array_split(losses, 2)
    level = abs(float(newer.mean()) - float(older.mean())) > TOLERANCE * abs(float(losses.mean()))
    small, large = sorted((float(older.std()), float(newer.std())))
    return level or large > (1 + SPREAD) * small


def _means(losses: FloatArray, tau: float) -> tuple[float, float] | None:
    older, newer = np.array_split(losses, 2)
    error = math.sqrt(tau * (float(older.var()) / len(older) + float(newer.var()) / len(newer)))
    means = float(older.mean()), float(newer.mean())
    return means if abs(means[1] - means[0]) > BEYOND * error else None


def _turn(losses: FloatArray) -> int:
    """Give the index at which a series takes another level: where the sum of its deviations is farthest from zero."""
    away = np.cumsum(losses - losses.mean())
    return min(int(np.argmax(np.abs(away))) + 1, len(losses) - 1)
