"""Has the loss settled? Onset, slope, Geweke and window tests must all agree."""

import math
from dataclasses import dataclass, replace

import numpy as np

from ergoscope_server.indicators.autocorrelation import CorrelationTime, iat_geyer
from ergoscope_server.indicators.fall import steep, throughout
from ergoscope_server.indicators.geweke import CRITICAL, geweke_z
from ergoscope_server.indicators.mean import MeanInterval, TooShort, mean_interval, points_needed
from ergoscope_server.indicators.onset import Onset, mser5
from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.indicators.slope import FARTHEST, TOLERANCE, Equivalence, Trend, equivalence, fit_trend
from ergoscope_server.indicators.windows import PERMUTATIONS, WindowTest, window_test

PRODUCES = ("plateau_state",)
SHORTEST, LONGEST = 2000, 10_000
LEAST = points_needed(1.0)
ALPHA = 0.05
DOUBTFUL, MORE = 0.01, 1000  # a p below is computed from more permutations
ONE_SIDED = 1.645
LEAVE, LEAVE_P = 4.0, 0.001


@dataclass(frozen=True, slots=True)
class PlateauEvidence:
    """What the tests say of one window; None where it is too short for a test.

    onset: where the window's transient ends; first: index of the first point the tests use.
    n: points the tests use, the newest; window: points of the window.
    long: whether the tests look at 1,000 steps or more: a shorter stretch is not called settled.
    flat: whether the values span less than 0.5 % of their mean over 1,000 steps or more: then no difference matters.
    recent: trend of the newest half of the window, which says whether the loss moves now.
    excused: of a plateau that is tested again, whether its newest three quarters are free of what speaks against all.
    steep: whether a rough test finds a clear fall although the window is too short for an interval, or too smooth.
    average: mean of the points used; need: points that the longest of the tests asks for.
    """

    onset: Onset
    first: int
    n: int
    window: int
    need: int
    average: float
    correlation: CorrelationTime
    mean: MeanInterval | None
    trend: Trend | None
    equivalence: Equivalence | None
    geweke: float | None
    windows: WindowTest | None
    long: bool
    flat: bool
    recent: tuple[Trend, Equivalence] | None = None
    steep: bool = False
    excused: bool = False

    @property
    def failed(self) -> tuple[str, ...]:
        """Name the tests that speak against a plateau, or cannot speak yet."""
        if self.flat:
            return ()
        passed = {
            "length": self.long,
            "onset": self.onset.settled,
            "mean": self.mean is not None,
            "slope": self.equivalence is not None and self.equivalence.holds,
            "geweke": self.geweke is not None and abs(self.geweke) < CRITICAL,
            "windows": self.windows is not None and self.windows.p > ALPHA,
        }
        return tuple(name for name, fine in passed.items() if not fine)

    @property
    def agree(self) -> bool:
        """Say whether all tests agree that the loss has settled."""
        return not self.failed

    @property
    def falling(self) -> bool:
        """Say whether the loss falls for certain: in the newest half of the window, or over all of it.

        In a window too short for an interval, a clear fall counts.
        """
        return self.steep or any(same.certain and trend.slope < 0 for trend, same in self._trends)

    @property
    def rising(self) -> bool:
        """Say whether the loss rises for certain, in the newest half of the window or over all of it."""
        return any(same.certain and trend.slope > 0 for trend, same in self._trends)

    @property
    def moving(self) -> bool:
        """Say whether the loss moves to this day, so that a shorter window would be a look away.

        It does when the newest half alone shows a trend for certain; and when the whole does, unless the newest half is
        flatter beyond chance (5 %, one-sided), as it is behind a transient but not along a steady fall.
        """
        if self.recent is None or self.recent[1].certain:
            return self.recent is not None
        if self.trend is None or self.equivalence is None or not self.equivalence.certain:
            return False
        sign = math.copysign(1.0, self.trend.slope)
        return sign * self.recent[0].slope + ONE_SIDED * self.recent[0].error > abs(self.trend.slope)

    @property
    def broken(self) -> bool:
        """Say whether a level that had settled is left: four standard errors of trend or mean, or p below 0.001."""
        if self.flat or self.excused:
            return False
        parted = self.windows is not None and self.windows.p < LEAVE_P
        moved = self.geweke is not None and abs(self.geweke) > LEAVE
        return parted or moved or any(same.certain and abs(t.slope) > LEAVE * t.error for t, same in self._trends)

    @property
    def _trends(self) -> list[tuple[Trend, Equivalence]]:
        whole = [(self.trend, self.equivalence)] if self.trend and self.equivalence else []
        return [*whole, *([self.recent] if self.recent else [])]


def weigh(values: FloatArray, *, seed: int, step: int = 1) -> PlateauEvidence:
    """Put the newest points to all tests.

    The longest window, up to 10,000 points, comes first. What MSER-5 leaves of it may still hold the tail of a
    transient: as long as the tests disagree though the newest half shows no trend, further tenths are cut until half is
    left, and then the newest half becomes the window, down to 2,000 points. When the tests never agree, the answers for
    the longest window stand. Source of the cutting: Heidelberger and Welch (1983).

    Args:
        values: Finite losses, shape (n,), n >= 400, equally spaced.
        seed: Repeats the permutations.
        step: Steps between two points.

    Raises:
        ValueError: fewer than 400 values.
    """
    _check(values)
    length = min(len(values), LONGEST)
    longest = found = _window(values[-length:], seed, step)
    while not (found.agree or found.moving) and length // 2 >= SHORTEST:
        length //= 2
        found = _window(values[-length:], seed, step)
    return found if found.agree else longest


def reweigh(values: FloatArray, *, seed: int, step: int = 1) -> PlateauEvidence:
    """Put a plateau to the tests again: all of it, up to the newest 10,000 points, without cutting.

    A small p-value is computed to more digits, since leaving a plateau takes more than not entering one. What speaks
    against it must speak against its newest three quarters as loudly: as a plateau grows, so does the power to see the
    last trace of the transient before it.

    Args:
        values: Finite losses since the onset, shape (n,), n >= 400, equally spaced.
        seed: Repeats the permutations.
        step: Steps between two points.

    Raises:
        ValueError: fewer than 400 values.
    """
    _check(values)
    kept = values[-LONGEST:]
    found = _tests(kept, 0, Onset(0, settled=True), seed, step)
    if found.windows is not None and found.windows.p < DOUBTFUL:
        found = _tests(kept, 0, Onset(0, settled=True), seed, step, permutations=MORE)
    found = replace(found, recent=_equivalence(kept[len(kept) // 2 :], step))
    if not found.broken or len(kept) * 3 // 4 < LEAST:
        return found
    late = _tests(kept, len(kept) // 4, found.onset, seed, step, permutations=MORE)
    return replace(found, excused=not (late.broken or late.falling or late.rising))


def _check(values: FloatArray) -> None:
    if len(values) < LEAST:
        raise ValueError(f"{len(values)} values; a plateau is judged from {LEAST} on")


def _window(values: FloatArray, seed: int, step: int) -> PlateauEvidence:
    n = len(values)
    onset = mser5(values)
    latest = n - max(n // 2, LEAST)
    found = _tests(values, min(onset.index, latest), onset, seed, step)
    recent = _equivalence(values[latest:], step)
    found = replace(
        found, recent=recent, steep=found.trend is None and (steep(values) or throughout(values, step=step))
    )
    for first in range(found.first + n // 10, latest + 1, n // 10):
        if found.agree or found.moving:
            break
        same = _equivalence(values[first:], step)
        if same is not None and same[1].holds:  # the cheapest test first
            later = _tests(values, first, onset, seed, step)
            if later.agree:
                return replace(later, recent=recent)
    return found


def _equivalence(kept: FloatArray, step: int) -> tuple[Trend, Equivalence] | None:
    trend = _trend(kept)
    return None if trend is None else (trend, equivalence(trend, mean=float(kept.mean()), step=step))


def _trend(kept: FloatArray) -> Trend | None:
    trend = fit_trend(kept)
    return None if isinstance(trend, TooShort) else trend


def _tests(
    values: FloatArray, first: int, onset: Onset, seed: int, step: int, *, permutations: int = PERMUTATIONS
) -> PlateauEvidence:
    kept = values[first:]
    trend = _trend(kept)
    # Once a line and a parabola are gone, what is left tells the memory of the noise; a trend must not pass for memory.
    correlation = iat_geyer(kept) if trend is None else _longer(iat_geyer(kept), trend.tau)
    average = float(kept.mean())
    mean = mean_interval(kept, tau=correlation.tau)
    same = equivalence(trend, mean=average, step=step) if trend is not None else None
    short = isinstance(mean, TooShort)
    long = len(kept) * step >= FARTHEST
    span = float(np.diff(np.quantile(kept, (0.01, 0.99)))[0])
    return PlateauEvidence(
        onset=Onset(onset.index, onset.settled or first > onset.index),
        first=first,
        n=len(kept),
        window=len(values),
        need=max(points_needed(correlation.tau), same.needed if same else 0, math.ceil(FARTHEST / step)),
        average=average,
        correlation=correlation,
        mean=None if isinstance(mean, TooShort) else mean,
        trend=trend,
        equivalence=same,
        geweke=None if short else geweke_z(kept, tau=correlation.tau),
        windows=None if short else window_test(kept, tau=correlation.tau, seed=seed, permutations=permutations),
        long=long,
        flat=long and span < TOLERANCE * abs(average),
    )


def _longer(raw: CorrelationTime, tau: float) -> CorrelationTime:
    return raw if raw.tau >= tau else CorrelationTime(tau, raw.error, raw.lags, raw.n)
