"""Draws how often each test speaks, against how large the effect is: docs/figures/power.svg, in a minute or two.

python -m docs.power

Effects are in standard errors of what the test looks at, as theory has them for AR(1) noise, so that lines of all
memories lie together where a test allows for memory, and at 0 is its rate of false alarms. Memory is estimated from
each series, as it is in a run; for changes from the part behind them. Where it comes out too long for a test, since a
large jump passes for memory, the test says nothing.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from docs.chart import Array, Line, Panel, drawing
from ergoscope_server.indicators.change_points import change_points
from ergoscope_server.indicators.dickey_fuller import CRITICAL as UNIT_ROOT
from ergoscope_server.indicators.dickey_fuller import adf
from ergoscope_server.indicators.geweke import CRITICAL as APART
from ergoscope_server.indicators.geweke import geweke_z
from ergoscope_server.indicators.invariance import memory_of
from ergoscope_server.indicators.kendall import mann_kendall_z
from ergoscope_server.indicators.kpss import CRITICAL as MOVES
from ergoscope_server.indicators.kpss import kpss
from ergoscope_server.indicators.norm_drift import norm_drift
from ergoscope_server.indicators.points import points
from ergoscope_server.indicators.separation import separation_test
from ergoscope_server.indicators.slope import Trend, fit_trend
from ergoscope_server.indicators.spikes import find_spikes
from ergoscope_server.indicators.true_gradient import Peak, true_gradient
from ergoscope_server.indicators.windows import window_test

FIGURE = Path(__file__).parent / "figures" / "power.svg"
COEFFICIENTS = (0.0, 0.5, 0.9, 0.99)
EFFECTS = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])
SHORTEST, MEMORIES = 2000, 100  # steps of a series, at least, and autocorrelation times
RUNS = 60
READINGS = (12, 30, 100)

Test = Callable[[Array, float], bool]
Shape = Callable[[int], tuple[Array, float]]


def noise(coefficient: float, n: int, seed: int) -> Array:
    """Give AR(1) noise of variance 1 in its stationary law."""
    kicks = np.random.default_rng(seed).normal(size=n)
    kicks[1:] *= np.sqrt(1 - coefficient**2)
    found: Array = lfilter([1.0], [1.0, -coefficient], kicks)
    return found


def line(n: int) -> tuple[Array, float]:
    """Give a drift, and what its slope's squared error is for long-run variance 1."""
    t = np.arange(n) - (n - 1) / 2
    return t, 12 / n**3


def start(n: int) -> tuple[Array, float]:
    """Give a first tenth that lies elsewhere, and the squared error of its distance from the last half."""
    return np.where(np.arange(n) < n // 10, 1.0, 0.0), 10 / n + 2 / n


def half(n: int) -> tuple[Array, float]:
    """Give a second half that lies elsewhere, and the squared error of the difference."""
    return np.where(np.arange(n) >= n // 2, 1.0, 0.0), 4 / n


TESTS: dict[str, tuple[Test, Shape]] = {
    "loss_slope: zero outside 95 %": (lambda x, _: _slope(x), line),
    "mk_z: beyond ±1.96": (lambda x, tau: abs(mann_kendall_z(x, tau=tau)) > 1.96, line),
    "kpss: above .463": (lambda x, tau: kpss(x, tau=tau) > MOVES, line),
    "inv_loss: not steady": (lambda x, tau: separation_test(x, tau=tau).steady is False, line),
    "norm_drift: zero outside 95 %": (lambda x, _: _drift(x), line),
    "geweke_z: beyond ±2.6": (lambda x, tau: abs(geweke_z(x, tau=tau)) > APART, start),
    "window_distance: p below .05": (lambda x, tau: window_test(x, tau=tau, seed=0).p < 0.05, half),
    "change_point: any": (lambda x, _: bool(change_points(x, tau=memory_of(x[len(x) // 2 :]))), half),
}


def _slope(values: Array) -> bool:
    trend = fit_trend(values)
    return isinstance(trend, Trend) and abs(trend.slope) > trend.half


def _drift(values: Array) -> bool:
    found = norm_drift(points(np.arange(len(values)), np.sqrt(values - values.min() + 100.0)))
    return found is not None and abs(found[0]) > found[1]


def course(name: str, coefficient: float) -> Line:
    """Give how often a test speaks at each effect on noise of one memory."""
    test, shape = TESTS[name]
    tau = (1 + coefficient) / (1 - coefficient)
    n = max(SHORTEST, round(MEMORIES * tau))
    form, square = shape(n)
    found = []
    for effect in EFFECTS:
        series = (noise(coefficient, n, seed) + effect * np.sqrt(square * tau) * form for seed in range(RUNS))
        found.append(np.mean([_speaks(test, values) for values in series]))
    return Line(EFFECTS, np.array(found))


def _speaks(test: Test, values: Array) -> bool:
    try:
        return test(values, memory_of(values))
    except ValueError:  # the memory was estimated too long for the test, which then says nothing
        return False


def gradient(count: int) -> Line:
    """Give how often a gradient is told from zero by so many readings, against its square in errors of their mean."""
    random = np.random.default_rng(count)
    found = []
    for effect in EFFECTS:
        runs = [true_gradient(random.normal(size=count) + effect / count**0.5, Peak()) for _ in range(20 * RUNS)]
        found.append(np.mean([one is not None and one.present() for one in runs]))
    return Line(EFFECTS, np.array(found))


def spikes(coefficient: float) -> Line:
    """Give how often a jump of one point is counted, against its height in deviations."""
    found = []
    for height in EFFECTS:
        seen = []
        for seed in range(RUNS):
            values = noise(coefficient, 1000, seed)
            values[600] += height
            seen.append(any(abs(at - 600) < 3 for at in find_spikes(values).starts))
        found.append(np.mean(seen))
    return Line(EFFECTS, np.array(found))


def walks() -> Line:
    """Give how often a series of 2,000 steps is told from a walk, against the times it forgets itself meanwhile."""
    found = []
    for times in EFFECTS[1:] * 2:
        coefficient = 1 - times / SHORTEST
        runs = [adf(noise(coefficient, SHORTEST, seed)) < UNIT_ROOT for seed in range(3 * RUNS)]
        found.append(np.mean(runs))
    kept = [adf(np.cumsum(noise(0.0, SHORTEST, seed))) < UNIT_ROOT for seed in range(3 * RUNS)]
    return Line(EFFECTS * 2, np.array([np.mean(kept), *found]))


def main() -> None:
    """Draw all of them."""
    told = "standard errors"
    panels = [Panel(name, [course(name, c) for c in COEFFICIENTS], told, level=0.05) for name in TESTS]
    panels.append(Panel("grad_debiased_level: above zero, 99.87 %", [gradient(n) for n in READINGS], told, level=0.0))
    panels.append(Panel("spike_count: one point", [spikes(c) for c in COEFFICIENTS[:3]], "deviations", level=0.0))
    panels.append(Panel("adf: no walk", [walks()], "times it forgets itself", level=0.05))
    rows = [panels[i : i + 3] for i in range(0, len(panels), 3)]
    about = (
        f"Share of {RUNS} series in which each test speaks, against the size of the effect; dashed: 5 %, or none. "
        f"Lines: AR(1) noise of coefficient 0, .5, .9 and .99, {SHORTEST:,} steps or {MEMORIES} autocorrelation times; "
        "of the gradient 12, 30 and 100 readings; of spikes 0, .5 and .9."
    )
    FIGURE.write_text(drawing(rows, about=about), encoding="utf-8")
    for panel in panels:
        alarms = ", ".join(f"{line_.y[0]:.3f}" for line_ in panel.lines)
        sys.stdout.write(f"{panel.title}: without an effect {alarms}\n")


if __name__ == "__main__":
    main()
