"""Readings of how near a run is to a balance: gradient and noise, directions, norms and margins."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.assessment import SQUARE, Assessment
from ergoscope_server.indicators.few import FEWEST as FEW
from ergoscope_server.indicators.gathered import absent, all_averaged, all_newest, averaged
from ergoscope_server.indicators.noise_scale import Ratio, ratio_of_means
from ergoscope_server.indicators.norm_drift import FEWEST as NORMS
from ergoscope_server.indicators.norm_drift import norm_drift
from ergoscope_server.indicators.numerals import count, plain
from ergoscope_server.indicators.points import Points
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.successive import agreement, implied_curvature
from ergoscope_server.indicators.true_gradient import FEWEST, TrueGradient

PRODUCES = ("kkt_residual",)
NOISE, CHANGE, ALIGNED = "noise_trace", "grad_change", "cos_w_neg_grad"
GRADIENT, NORM = "grad_norm", "weight_norm"
FULL = "grad_sq_norm_full"
AVERAGED = {
    SQUARE: "",
    FULL: "of the fixed batch",
    NOISE: "",
    CHANGE: "",
    ALIGNED: "of minibatches",
    "dual_alignment": "of minibatches",
}
RUNNING = {
    "grad_noise_norm": "running mean of the agent",
    "grad_snr": "running means of the agent, divided",
    "cos_grad_lag1": "running means of the agent, divided",
    "cos_update_lag1": "running means of the agent, divided",
    "pred_residual": "running means of the agent, divided; pure noise reads 1.053",
    "fdr1_ratio": "running means of the agent, divided; 1 in equilibrium",
    "dir_step": "since half as many steps",
    "cos_weight_lagk": "since half as many steps",
    "normalized_margin": "of the newest batch",
    "smoothed_margin": "of the newest batch",
    "margin_quantile": "of the newest batch",
}
DERIVED = ("grad_debiased_level", "gns_simple", "norm_drift", "pflug_stat", "implied_curvature", "kkt_residual")
STATIONARITY = (*AVERAGED, *RUNNING, *DERIVED)
TOO_FEW = "not enough readings since step"

Series = Callable[[str], Points]


def stationarity_readings(
    found: Assessment, measured: Series, *, since: int, recipe: Recipe | None, rate: float | None
) -> list[Reading]:
    """Give the readings over a stretch; what there is no value for says why.

    Args:
        found: The assessment they go with.
        measured: Gives series by their keys.
        since: First step of the stretch.
        recipe: The optimizer, where it is known.
        rate: The learning rate now.
    """
    at = found.step
    known = {name: measured(name) for name in (*AVERAGED, *RUNNING, GRADIENT, NORM)}
    return [
        *all_averaged(AVERAGED, known, since=since, step=at),
        *all_newest(RUNNING, known, since=since, step=at),
        _level(found.true, known[SQUARE], since, at),
        _scale(known[NOISE], known[SQUARE], since, at),
        _drift(known[NORM], since, at),
        *_successive(known, since, at, recipe, rate),
        _kkt(known[ALIGNED], since, at),
    ]


def _kept(series: Points, since: int, step: int) -> Points:
    return series.upto(step).since(since).finite()


def _few(name: str, series: Points, since: int, step: int, need: int) -> Reading:
    """Say what is missing of the readings that a quantity is worked out from."""
    have = len(_kept(series, since, step))
    if not have:
        return absent(name, series, since=since, step=step)
    return Reading(name, absent=f"{TOO_FEW} {count(since)} ({have} of {need})", step=step)


def _level(true: TrueGradient | None, squares: Points, since: int, step: int) -> Reading:
    name = "grad_debiased_level"
    if true is None:
        return _few(name, squares, since, step, FEWEST)
    if not true.sound:
        why = "its square lies below zero beyond chance: parts of a batch depend on each other"
        return Reading(name, absent=why, step=step)
    if true.level is None:
        return Reading(name, absent="the first five readings, which it is held against, are not above zero", step=step)
    value, low, high = true.level
    how = "root of the mean of squares without noise, over that of the first five; batch means, 95 %"
    return Reading(name, value, low, high, float(true.square.n), step, how)


def _scale(noise: Points, squares: Points, since: int, step: int) -> Reading:
    name = "gns_simple"
    noise, squares = _kept(noise, since, step), _kept(squares, since, step)
    both, ours, theirs = np.intersect1d(noise.steps, squares.steps, return_indices=True)
    ratio: Ratio | None = ratio_of_means(noise.values[ours], squares.values[theirs])
    if ratio is None:
        return _few(name, squares, since, step, FEW)
    at = int(both[-1])
    if ratio.value is None:
        bound = f", so at least {plain(ratio.low)}" if math.isfinite(ratio.low) else ""
        why = f"the slope is not two standard errors above zero{bound}"
        return Reading(name, low=ratio.low if bound else None, n=float(ratio.n), step=at, absent=why)
    how = "mean noise over mean squared slope, delta method with batch means, 95 %"
    return Reading(name, ratio.value, ratio.low, ratio.high, float(ratio.n), at, how)


def _drift(norms: Points, since: int, step: int) -> Reading:
    kept = _kept(norms, since, step)
    found = norm_drift(kept)
    if found is None:
        return _few("norm_drift", norms, since, step, NORMS)
    slope, half = found
    how = "least squares through the squared norm, error from batch means, 95 %"
    return Reading("norm_drift", slope, slope - half, slope + half, float(len(kept)), int(kept.steps[-1]), how)


def _successive(
    known: Mapping[str, Points], since: int, step: int, recipe: Recipe | None, rate: float | None
) -> tuple[Reading, ...]:
    changes, norms = _kept(known[CHANGE], since, step), _kept(known[GRADIENT], since, step)
    found = agreement(changes, norms)
    names = "pflug_stat", "implied_curvature"
    if found is None or found.value is None or found.high is None:
        both = len(np.intersect1d(changes.steps, norms.steps))
        if not len(changes):
            return tuple(absent(name, known[CHANGE], since=since, step=step) for name in names)
        why = f"not enough steps since {count(since)} with change and norm of the gradient ({both} of {FEW})"
        return tuple(Reading(name, absent=why, step=step) for name in names)
    at, n = int(changes.steps[-1]), float(found.n)
    how = "mean product of successive gradients over their mean square, 95 %; below zero: steps jitter; advisory"
    sign = Reading(names[0], found.value, found.low, found.high, n, at, how)
    if recipe is None or not recipe.plain or not rate:
        why = "the learning rate is not known" if recipe is not None and recipe.plain else "only known of plain SGD"
        return sign, Reading(names[1], absent=why, step=step)
    value, high, low = (implied_curvature(rho, rate=rate) for rho in (found.value, found.low, found.high))
    how = "from the agreement of successive gradients, 95 %; holds on a plateau"
    return sign, Reading(names[1], value, low, high, n, at, how)


def _kkt(aligned: Points, since: int, step: int) -> Reading:
    """Give √(1 - cos²) of weights and downhill slope: how far w is from a multiple of -∇L, as a share of ‖w‖."""
    mean = averaged("kkt_residual", aligned, since=since, step=step, told="of minibatches")
    if mean.value is None:
        return mean
    value, *ends = (math.sqrt(max(0.0, 1 - min(1.0, max(0.0, c)) ** 2)) for c in _bounds(mean))
    low, high = (min(ends), max(ends)) if mean.low is not None else (None, None)
    return Reading("kkt_residual", value, low, high, mean.n, mean.step, mean.how)


def _bounds(mean: Reading) -> tuple[float, ...]:
    return tuple(x for x in (mean.value, mean.low, mean.high) if x is not None)
