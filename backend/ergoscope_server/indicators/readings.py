"""The answers of the tests as records, each with its interval, its age and how it was obtained."""

import math
from collections.abc import Sequence

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.advisory import ADVISORY, advisory_readings
from ergoscope_server.indicators.assessment import Assessment, RunData
from ergoscope_server.indicators.course import COURSE, course_readings
from ergoscope_server.indicators.edge import sharpness_now
from ergoscope_server.indicators.invariance import STEADY, steady_readings
from ergoscope_server.indicators.level import FEWEST as NORMS
from ergoscope_server.indicators.numerals import count
from ergoscope_server.indicators.plateau import PlateauEvidence
from ergoscope_server.indicators.points import Points
from ergoscope_server.indicators.stability import STABILITY, stability_readings
from ergoscope_server.indicators.stationarity import STATIONARITY, stationarity_readings

LOSS = (
    "plateau_state",
    "loss_mean_ci",
    "iat",
    "ess",
    "loss_slope",
    "geweke_z",
    "stabilization_onset",
    "window_distance",
    *ADVISORY,
    *STEADY,
)
CURVATURE = 'curvature is not measured; watch(..., curvature="model") does'
NO_LOSS = "no loss has been logged"
NO_GRADIENT = "no gradient norm has been logged"


def too_few(have: int, need: int, of: str) -> str:
    """Say how far a window is from what a test needs.

    Example:
        >>> too_few(26, 100, "readings of the gradient norm")
        'not enough readings of the gradient norm yet (26 of 100)'
    """
    return f"not enough {of} yet ({count(have)} of {count(need)})"


def readings(
    found: Assessment | None,
    data: RunData,
    *,
    since: int = 0,
    changes: Sequence[int] = (),
    waiting: str = NO_LOSS,
) -> list[Reading]:
    """Give every reading of the verdict, in a fixed order; what there is no value for says why.

    Args:
        found: The newest assessment; None when there is nothing to assess.
        data: The run's series, up to now.
        since: First step after the last known change: thresholds may have been others before.
        changes: First steps after all known changes.
        waiting: Why there is nothing to assess.
    """
    ending = _gradient(found, waiting if len(data.grad) else NO_GRADIENT), _sharpness(data.sharpness, since)
    if found is None:
        return [
            *(Reading(name, absent=waiting) for name in (*LOSS, "loss_robust_z", *COURSE, *STATIONARITY, *STABILITY)),
            *ending,
        ]
    if found.evidence is None:
        short = too_few(found.have, found.need, found.unit)
        loss = [Reading(name, absent=short, step=found.step) for name in LOSS]
    else:
        loss = _tests(found, found.evidence)
    rate = _rate(data.lr.upto(found.step).finite())
    stretch = since if found.first_step is None else found.first_step
    balance = stationarity_readings(found, data.measured, since=stretch, recipe=data.recipe, rate=rate)
    road = stability_readings(found, data.measured, since=since, recipe=data.recipe, rate=rate)
    course = course_readings(found, data, changes=changes)
    return [*loss, _robust_z(found), *course, *balance, *road, *ending]


def _rate(lr: Points) -> float | None:
    return float(lr.values[-1]) if len(lr) else None


def _tests(found: Assessment, e: PlateauEvidence) -> list[Reading]:
    at, stride, c = found.step, found.stride, e.correlation
    short = too_few(found.have, found.need, found.unit)
    doubt = "" if c.reliable else "; the window is shorter than 50 of it, so it is a lower bound"
    low, high = max(1.0, c.tau - 1.96 * c.error), c.tau + 1.96 * c.error
    looks = f"{count(c.n)} readings over their autocorrelation time"
    tests = f"failed: {', '.join(e.failed)}" if e.failed else "onset, slope, Geweke and window tests agree"
    onset = Reading("stabilization_onset", found.first_step, step=at, how="MSER-5")
    if not e.onset.settled:
        onset = Reading("stabilization_onset", absent="the loss has not settled within the window", step=at)
    return [
        Reading("plateau_state", float(e.agree), step=at, how=tests),
        _mean(e, at, short),
        Reading("iat", c.tau * stride, low * stride, high * stride, step=at, how=f"Geyer's monotone sequence{doubt}"),
        Reading("ess", c.ess, c.n / high, c.n / low, n=float(c.n), step=at, how=looks),
        _slope(e, at, stride, short),
        _geweke(e, at, short),
        onset,
        _windows(e, at, short),
        *advisory_readings(found.advisory, step=at, stride=stride, absent=short),
        *steady_readings(found.invariance, step=at, absent=short),
    ]


def _mean(e: PlateauEvidence, at: int, short: str) -> Reading:
    if e.mean is None:
        return Reading("loss_mean_ci", absent=short, step=at)
    m = e.mean
    how = f"overlapping batch means of {count(m.batch)}, 95 %"
    return Reading("loss_mean_ci", m.mean, m.mean - m.half, m.mean + m.half, e.correlation.ess, at, how)


def _slope(e: PlateauEvidence, at: int, stride: int, short: str) -> Reading:
    if e.trend is None:
        text = "the loss bends too fast for a line; it falls clearly" if e.steep else short
        return Reading("loss_slope", absent=text, step=at)
    t, scale = e.trend, 1000 / stride
    how = "least squares, error from overlapping batch means, 95 %"
    low, high = (t.slope - t.half) * scale, (t.slope + t.half) * scale
    return Reading("loss_slope", t.slope * scale, low, high, t.n / t.tau, at, how)


def _geweke(e: PlateauEvidence, at: int, short: str) -> Reading:
    if e.geweke is None or not math.isfinite(e.geweke):
        return Reading("geweke_z", absent=short if e.geweke is None else "the series has no spread", step=at)
    return Reading(
        "geweke_z", e.geweke, step=at, how="first 10 % against last 50 %, batch-means error; agrees within ±2.6"
    )


def _windows(e: PlateauEvidence, at: int, short: str) -> Reading:
    if e.windows is None:
        return Reading("window_distance", absent=short, step=at)
    w = e.windows
    how = f"energy distance of two halves, one reading in {count(w.thinning)}, block permutation p = {w.p:.2g}"
    return Reading("window_distance", w.distance, n=float(w.draws), step=at, how=how)


def _robust_z(found: Assessment) -> Reading:
    if found.z is None or not math.isfinite(found.z):
        text = "needs 201 losses" if found.z is None else "the last 200 losses have no spread"
        return Reading("loss_robust_z", absent=text, step=found.step)
    return Reading(
        "loss_robust_z", found.z, n=200.0, step=found.step, how="against the median of the 200 losses before"
    )


def _gradient(found: Assessment | None, waiting: str) -> Reading:
    if found is None or waiting == NO_GRADIENT:
        return Reading("grad_norm_level", absent=waiting)
    if found.grad is None:
        return Reading("grad_norm_level", absent=_no_level(found), step=found.step)
    g = found.grad
    how = "minibatch gradient norm, sampling noise included, over its first 20 steps; batch means, 95 %"
    return Reading("grad_norm_level", g.ratio, g.ratio - g.half, g.ratio + g.half, g.n, found.step, how)


def _no_level(found: Assessment) -> str:
    if found.evidence is None:
        return too_few(found.have, found.need, found.unit)
    if found.norms < NORMS:
        return too_few(found.norms, NORMS, "readings of the gradient norm")
    return "the norm at the start, which it is held against, is zero or not known"


def _sharpness(ratio: Points, since: int) -> Reading:
    now = sharpness_now(ratio.since(since))
    if now is None:
        return Reading("sharpness_ratio", absent=f"no reading since step {count(since)}" if len(ratio) else CURVATURE)
    how = f"median of the newest {count(now.n)} readings, smallest to largest" if now.n > 1 else "one reading"
    return Reading("sharpness_ratio", now.value, now.low, now.high, float(now.n), now.step, how)
