"""Where the true gradient stands: its norm, the noise of batches removed, against its start and its highest.

The readings are those of `grad_sq_norm_debiased`: each is unbiased for ‖∇F‖² and may fall below zero by chance, so they
are averaged as squares, and a root is taken last.
"""

import math
from dataclasses import dataclass

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from scipy.special import stdtrit

from ergoscope_server.indicators.few import Few, mean_of_few
from ergoscope_server.indicators.points import FloatArray, Points

PRODUCES = ("grad_debiased_level",)
FIRST = 5  # readings that say where a run started, and that count as one level
FEWEST = 12  # readings of a stretch
CLEAR = 0.99865  # one-sided, as three standard errors of a Gaussian
KEPT = 0.84  # one-sided, as one standard error: what was above zero for sure counts until it is not even that
SMALL, SURELY_SMALL = 0.05, 0.10  # of the highest norm


class Peak(Struct, frozen=True, omit_defaults=True):
    """What is remembered of a run's readings: the first five, the highest level, and those that make no level yet.

    start: the first five, (loss/weight)². highest: the largest median of five readings in a row.
    pending: the readings after the last whole five. last: step of the newest one seen.
    """

    start: list[float] = field(default_factory=list)
    highest: float = 0.0
    pending: list[float] = field(default_factory=list)
    last: int = -1


@dataclass(frozen=True, slots=True)
class TrueGradient:
    """What the readings of a stretch say of ‖∇F‖².

    square: their mean, with its error; start: mean of the first readings of the run and its standard error, None where
    they are not above zero for sure; highest: highest level of the run. All squares, in (loss/weight)².
    """

    square: Few
    start: tuple[float, float] | None
    highest: float

    def present(self, *, before: bool = False) -> bool:
        """Say whether there is a gradient beyond chance.

        before: whether it was there at the last look; then one standard error is enough, so that it does not flicker.
        """
        return self.square.beyond(KEPT if before else CLEAR) > 0

    @property
    def sound(self) -> bool:
        """Say whether the readings can be what they claim: a square that lies below zero beyond chance is none.

        They do where the parts of a batch depend on each other, as where a batch is all of the data there is.
        """
        return self.square.mean + self.square.half(2 * CLEAR - 1) > 0

    @property
    def small(self) -> bool:
        """Say whether the norm is below 5 % of its highest, whatever its error."""
        return self.square.mean < SMALL**2 * self.highest

    @property
    def vanished(self) -> bool:
        """Say whether the norm is below 5 % of its highest, and its 95 % interval below 10 %."""
        return self.sound and self.small and self.square.mean + self.square.half() < SURELY_SMALL**2 * self.highest

    @property
    def level(self) -> tuple[float, float, float] | None:
        """The norm as a share of its start, with its 95 % interval; None without a start.

        Means of squares are divided, with the delta method's error and Welch and Satterthwaite's degrees of freedom,
        on a logarithmic scale where the gradient is there; then the root is taken, of what is below zero as zero.
        """
        if self.start is None:
            return None
        first, first_error = self.start
        ratio = self.square.mean / first
        now, then = (self.square.error / first) ** 2, (ratio * first_error / first) ** 2
        spread = now + then
        half = 0.0
        if spread > 0:
            dof = spread**2 / (now**2 / self.square.dof + then**2 / (FIRST - 1))
            half = float(stdtrit(dof, 0.975)) * math.sqrt(spread)
        ends = ratio - half, ratio + half
        if self.present(before=True):
            ends = ratio * math.exp(-half / ratio), ratio * math.exp(half / ratio)
        value, low, high = (math.sqrt(max(0.0, x)) for x in (ratio, *ends))
        return value, low, high


def follow_peak(peak: Peak, squares: Points) -> Peak:
    """Take new readings into account, in step order; those at or before the last one seen are left out.

    A level is the median of five, so that a single outlier, as of one odd batch, is none.
    """
    fresh = squares.since(peak.last + 1)
    if not len(fresh):
        return peak
    values = [*peak.pending, *fresh.finite().values.tolist()]
    whole = len(values) // FIRST * FIRST
    levels = np.median(np.reshape(values[:whole], (-1, FIRST)), axis=1) if whole else np.zeros(1)
    return replace(
        peak,
        start=peak.start or values[:whole][:FIRST],
        highest=max(peak.highest, float(levels.max())),
        pending=values[whole:],
        last=int(fresh.steps[-1]),
    )


def true_gradient(values: FloatArray, peak: Peak) -> TrueGradient | None:
    """Average the readings of a stretch; None while there are fewer than twelve.

    Batches are drawn anew for each reading, so that without a gradient readings are independent, and Student's t tells
    chance from a gradient. A drift of the gradient over the stretch widens the interval instead of leaving none.

    Args:
        values: Finite readings, shape (n,), in step order.
        peak: What is remembered of the run.
    """
    square = mean_of_few(values) if len(values) >= FEWEST else None
    return None if square is None else TrueGradient(square, _start(peak.start), peak.highest)


def _start(first: list[float]) -> tuple[float, float] | None:
    """A start that is not two standard errors above zero is none: a share of it would be any number."""
    if len(first) < FIRST:
        return None
    values = np.array(first)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(FIRST)
    return (mean, error) if mean > 2 * error else None
