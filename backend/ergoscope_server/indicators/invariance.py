"""Which observables have reached a steady state: the loss, the norms, the weights themselves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.autocorrelation import iat_geyer
from ergoscope_server.indicators.displacement import FEWEST, MOST, Displacement, displacement, squared_distances
from ergoscope_server.indicators.distance_slope import distance_slope
from ergoscope_server.indicators.mean import TooShort
from ergoscope_server.indicators.numerals import count, plain
from ergoscope_server.indicators.points import FloatArray, IntArray, Points
from ergoscope_server.indicators.recurrence import recurrence_rate
from ergoscope_server.indicators.separation import DRAWS, Separation, separation_test
from ergoscope_server.indicators.slope import fit_trend

PRODUCES = ("inv_weights",)
STEADY = ("inv_loss", "inv_norms", "inv_weights", "msd_exponent", "recurrence_rate", "distance_slope")
FREE = 0.25  # exponent of the displacement between confined, 0, and free, 1
LEAVES = 0.75  # above it the weights leave: as a free walk, 1, or straight on, 2
MEMORY = 5  # times to cross the basin after which the weights have forgotten where they were
HALF = 1.96


@dataclass(frozen=True, slots=True)
class Looks:
    """Sketches of the weights: steps, shape (n,), rising, and values, shape (n, k), all of one seed."""

    steps: IntArray
    values: FloatArray

    def since(self, step: int) -> "Looks":
        """Give those at or after a step."""
        begin = int(np.searchsorted(self.steps, step))
        return Looks(self.steps[begin:], self.values[begin:])

    def upto(self, step: int) -> "Looks":
        """Give those at or before a step."""
        end = int(np.searchsorted(self.steps, step, side="right"))
        return Looks(self.steps[:end], self.values[:end])


UNSEEN = Looks(np.empty(0, np.int64), np.empty((0, 0)))


@dataclass(frozen=True, slots=True)
class Invariance:
    """What the tests say of one stretch; None where there is too little of an observable.

    loss: of the loss; norms: of the logarithms of the gradient's and the update's norm, those that are logged.
    wandering, returns, leaving: of the weights, from their sketches; looks: how many of these there are.
    """

    loss: Separation | None
    norms: tuple[Separation | None, ...]
    wandering: Displacement | None
    returns: float | None
    leaving: float | None
    looks: int

    @property
    def departing(self) -> bool:
        """Say whether the weights go away from where they have been, at least as a free walk does, beyond chance."""
        walk = self.wandering
        return walk is not None and walk.exponent - HALF * walk.error > LEAVES


def compare(loss: FloatArray, *, tau: float, norms: Sequence[Points], looks: Looks) -> Invariance:
    """Put the observables of a stretch to the tests.

    Args:
        loss: Finite values, equally spaced.
        tau: Their memory, as `memory_of` has it.
        norms: Of gradient and update over the same stretch.
        looks: At the weights over the same stretch.
    """
    tested = tuple(_norm(series.finite()) for series in norms if len(series))
    steps, values = looks.steps[-MOST:], looks.values[-MOST:]
    if len(steps) < FEWEST:
        return Invariance(_separation(loss, tau), tested, None, None, None, len(steps))
    squares = squared_distances(values)
    wandering = displacement(steps, squares)
    memory = MEMORY * wandering.basin[1] if wandering.basin else float(steps[-1] - steps[0]) / 2
    returns = recurrence_rate(steps, squares, memory=memory) if memory < steps[-1] - steps[0] else None
    return Invariance(_separation(loss, tau), tested, wandering, returns, distance_slope(steps, squares), len(steps))


def memory_of(values: FloatArray) -> float:
    """Give the autocorrelation time of what a parabola leaves, where it can be told, in points.

    A drift, which is looked for, must not pass for memory.
    """
    trend = fit_trend(values)
    return iat_geyer(values).tau if isinstance(trend, TooShort) else trend.tau


def _norm(series: Points) -> Separation | None:
    logs = np.log(series.values[series.values > 0])
    return _separation(logs, memory_of(logs)) if len(logs) else None


def _separation(values: FloatArray, tau: float) -> Separation | None:
    return separation_test(values, tau=tau) if len(values) >= DRAWS * math.ceil(tau) else None


def steady_readings(found: Invariance | None, *, step: int, absent: str) -> list[Reading]:
    """Give them as readings, 1 for steady and 0 for not; what there is no answer for says why.

    Args:
        found: The answers.
        step: The newest step.
        absent: Why there are none.
    """
    if found is None:
        return [Reading(name, absent=absent, step=step) for name in STEADY]
    return [
        _kept("inv_loss", (found.loss,), step),
        _kept("inv_norms", found.norms, step),
        *_weights(found, step),
    ]


def _kept(name: str, tests: Sequence[Separation | None], step: int) -> Reading:
    known = [test for test in tests if test is not None]
    if not known:
        return Reading(name, absent="not enough independent readings in the stretch", step=step)
    lowest = min(known, key=lambda test: test.p)
    how = f"distances of six windows against the time between them, block permutation p = {lowest.p:.2g}"
    if any(test.steady is False for test in known):
        return Reading(name, 0.0, n=float(lowest.draws), step=step, how=how)
    if len(known) < len(tests) or not all(test.steady for test in known):
        return Reading(name, absent=f"cannot be told apart from chance yet, p = {lowest.p:.2g}", step=step)
    return Reading(name, 1.0, n=float(lowest.draws), step=step, how=how)


def _weights(found: Invariance, step: int) -> list[Reading]:
    walk, n = found.wandering, float(found.looks)
    if walk is None:
        short = f"not enough sketches of the weights in the stretch yet ({count(found.looks)} of {FEWEST})"
        return [Reading(name, absent=short, step=step) for name in STEADY[2:]]
    low, high = walk.exponent - HALF * walk.error, walk.exponent + HALF * walk.error
    how = "mean squared displacement of sketches at lags of an eighth to a half of the stretch, jackknife, 95 %"
    if walk.basin:
        how += f"; confined to a radius of {plain(walk.basin[0])}, crossed in {count(round(walk.basin[1]))} steps"
    verdict = Reading("inv_weights", absent="too uncertain to tell whether the weights are confined", step=step)
    if low > FREE or high < FREE:
        told = f"the exponent of the displacement against {FREE}, between confined (0) and free (1)"
        verdict = Reading("inv_weights", float(high < FREE), n=n, step=step, how=told)
    return [verdict, Reading("msd_exponent", walk.exponent, low, high, n, step, how), *_advisory(found, step)]


def _advisory(found: Invariance, step: int) -> list[Reading]:
    n = float(found.looks)
    returns = Reading("recurrence_rate", absent="the stretch is too short for weights to have come back", step=step)
    if found.returns is not None:
        told = "pairs of sketches far apart in time and nearer than the nearest tenth of close ones; advisory"
        returns = Reading("recurrence_rate", found.returns, n=n, step=step, how=told)
    leaving = Reading("distance_slope", absent="too few sketches in the last third of the stretch", step=step)
    if found.leaving is not None:
        told = "distance from the first sketch of the stretch, over the last third of the time; advisory"
        leaving = Reading("distance_slope", found.leaving, n=n, step=step, how=told)
    return [returns, leaving]
