"""What sketches of gradients and weights tell: how they compare with those of steps before."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.numerics.running import RatioOfMeans
from ergoscope.numerics.sketch import Sketcher
from ergoscope.probes.probe import Reading

Vector = NDArray[np.float64]  # a sketch on the host, shape (buckets,)

_GRADIENTS = 0.99  # weight of the past in the ratios of gradients, a memory of 100 pairs
_MOVES = 0.95  # and of moves, which are compared more rarely: 20 pairs
_BETA = 0.9  # of the running mean of gradients
_SETTLED = 20  # gradients in it before anything is predicted from it
_FLOOR = 4e-6  # moves smaller than this share of the weights are lost in the rounding of their sketches
_RECORD = 64  # steps between two records of the weights, at least


class SuccessiveGradientProbe:
    """Compares the gradients of two successive steps, and each with the running mean of those sampled before it.

    cos_grad_lag1: mean g_t·g_(t-1) over mean ½(‖g_t‖² + ‖g_(t-1)‖²), so that it stays in [-1, 1]; for SGD at rest in
    a quadratic valley it is -η/2 times the curvature weighted with the noise.
    grad_change: ‖g_t - g_(t-1)‖ / √(½(‖g_t‖² + ‖g_(t-1)‖²)) of one pair (Dubey et al. 2019): √(2(1-ρ)) for that pair.
    pred_residual: mean ‖g_t - m‖² over mean ‖g_t‖², m the mean of the gradients sampled before t with weights that
    fall by β = .9 from one to the next (after Zhuang et al. 2020, one step ahead). Sketches are linear, so the mean of
    sketches is the sketch of the mean. Independent gradients of mean zero read 1 + (1-β)/(1+β) = 1.053. Pairs come
    with gaps between them, so m remembers ten samples, not ten steps.

    For one pair of cosine ρ, k buckets leave that cosine an error of (1-ρ²)/√k, at most .031, and grad_change one of
    (1+ρ)√(1-ρ)/√(2k), which is .022 for independent gradients and .024 at most.
    """

    produces: ClassVar[tuple[str, ...]] = ("cos_grad_lag1", "grad_change", "pred_residual")

    def __init__(self, sketcher: Sketcher) -> None:
        """Sketch with `sketcher`; nothing is remembered yet."""
        self._sketcher = sketcher
        self._last: tuple[int, Vector] | None = None
        self._agreement = RatioOfMeans(_GRADIENTS)
        self._residual = RatioOfMeans(_GRADIENTS)
        self._sum = np.zeros(sketcher.buckets)  # of past gradients with weights β^age
        self._weight = 0.0
        self._taken = 0

    def measure(self, moment: Moment) -> Reading | None:
        """Sketch the gradient; layers without one count as zero."""
        sketch = self._sketcher.sketch(moment.layout.moved, moment.grads)
        return None if sketch is None else Reading(sketch, self._read)

    def _read(self, values: Sequence[float], findings: Findings) -> None:
        now = np.array(values)
        with np.errstate(all="ignore"):  # a gradient may hold anything
            if self._last is not None and self._last[0] == findings.step - 1:
                self._compare(self._last[1], now, findings)
            self._last = (findings.step, now)
            self._predict(now, findings)

    def _compare(self, before: Vector, now: Vector, findings: Findings) -> None:
        product, square = float(before @ now), 0.5 * float(before @ before + now @ now)
        change = now - before
        self._agreement.add(product, square)
        findings.add_parts("cos_grad_lag1", self._agreement.means, _ratio)
        findings.add_parts("grad_change", (float(change @ change), square), _root_ratio)

    def _predict(self, now: Vector, findings: Findings) -> None:
        if self._taken >= _SETTLED:
            missed = now - self._sum / self._weight
            self._residual.add(float(missed @ missed), float(now @ now))
            findings.add_parts("pred_residual", self._residual.means, _ratio)
        if np.isfinite(now).all():
            self._sum = _BETA * self._sum + now
            self._weight = _BETA * self._weight + 1.0
            self._taken += 1


class WeightSketchProbe:
    """Sketches the weights after the step: a record for the service, the turn of their direction, and that of moves.

    weight_sketch: the sketch itself, at multiples of 64 steps, from which any distance between two steps follows.
    dir_step: ‖u_t - u_(t/2)‖ with u = w/‖w‖ (Ji, Telgarsky 2020), at the steps 4, 5, 6, 7 times a power of two that
    are measured: half of such a step is one too, so five sketches at most are kept. cos_weight_lagk: u_t·u_(t/2).
    cos_update_lag1: mean Δ_t·Δ_(t-1) over mean ½(‖Δ_t‖² + ‖Δ_(t-1)‖²), each move the difference of two sketches of
    the weights, which needs no copy of them. The sketches are rounded to fp32: measured, an error of 1.6e-7 to 4e-7 of
    ‖w‖ for 1 to 10 million weights. The sketch between the two moves is in both, with opposite signs, which pulls the
    cosine down by the square of that error over the move; moves below 4e-6 of the weights are left out, where it would
    be .01.
    """

    produces: ClassVar[tuple[str, ...]] = ("weight_sketch", "dir_step", "cos_weight_lagk", "cos_update_lag1")

    def __init__(self, sketcher: Sketcher) -> None:
        """Sketch with `sketcher`; nothing is remembered yet."""
        self._sketcher = sketcher
        self._agreement = RatioOfMeans(_MOVES)
        self._recent: list[tuple[int, Vector]] = []  # successive steps, the newest last
        self._kept: dict[int, Vector] = {}

    def measure(self, moment: Moment) -> Reading | None:
        """Sketch all parameters, those without a gradient too."""
        sketch = self._sketcher.sketch(moment.layout.names, moment.parameters)
        return None if sketch is None else Reading(sketch, self._read)

    def _read(self, values: Sequence[float], findings: Findings) -> None:
        step, now = findings.step, np.array(values)
        if step % _RECORD == 0:
            findings.add_sketch("weight_sketch", self._sketcher.seed, values)
        if self._recent and self._recent[-1][0] != step - 1:
            self._recent.clear()
        self._recent = [*self._recent[-2:], (step, now)]
        with np.errstate(all="ignore"):  # weights may hold anything
            if _on_grid(step):
                self._turn(step, now, findings)
            if len(self._recent) == 3:
                self._compare(findings)

    def _turn(self, step: int, now: Vector, findings: Findings) -> None:
        half = self._kept.get(step // 2)
        if half is not None:
            parts = (float(now @ half), float(now @ now), float(half @ half))
            findings.add_parts("dir_step", parts, _chord)
            findings.add_parts("cos_weight_lagk", parts, _cosine)
        self._kept = {at: vector for at, vector in self._kept.items() if at > step // 2}
        self._kept[step] = now

    def _compare(self, findings: Findings) -> None:
        first, second, third = (vector for _, vector in self._recent)
        before, after = second - first, third - second
        square = 0.5 * float(before @ before + after @ after)
        if square > _FLOOR**2 * float(second @ second):
            self._agreement.add(float(before @ after), square)
            findings.add_parts("cos_update_lag1", self._agreement.means, _ratio)


def _on_grid(step: int) -> bool:
    """Whether a step is 4, 5, 6 or 7 times a power of two.

    Example:
        >>> [step for step in range(30) if _on_grid(step)]
        [4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28]
    """
    return step >= 4 and step % (1 << (step.bit_length() - 3)) == 0


def _ratio(parts: Sequence[float]) -> float:
    numerator, denominator = parts
    return numerator / denominator if denominator else math.nan


def _root_ratio(parts: Sequence[float]) -> float:
    return math.sqrt(_ratio(parts))


def _cosine(parts: Sequence[float]) -> float:
    """The cosine between a and b from a·b, ‖a‖² and ‖b‖²."""
    product, one, other = parts
    size = math.sqrt(one * other)
    return product / size if size else math.nan


def _chord(parts: Sequence[float]) -> float:
    """‖a/‖a‖ - b/‖b‖‖ from a·b, ‖a‖² and ‖b‖²."""
    return math.sqrt(max(2.0 - 2.0 * _cosine(parts), 0.0))  # in this order what is not a number stays so
