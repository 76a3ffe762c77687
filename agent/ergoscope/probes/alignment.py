"""Where the weights point: how far a step turns them, and whether the gradient pulls along them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from ergoscope.findings import Column, Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.norms import norms_of
from ergoscope.numerics.products import products_of
from ergoscope.numerics.running import RatioOfMeans
from ergoscope.numerics.triangle import rms_without_decay, turn
from ergoscope.probes.probe import Reading
from ergoscope.probes.update import UpdateProbe
from ergoscope.recipe import Recipe, recipes_of

_UNROUNDED = (torch.float32, torch.float64)  # in 16 bits the move is what rounding left of the optimizer's step


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """What was taken before the step: of all parameters |w| and the largest entry, of gradients w.g and their sums.

    The latter, one for each layer with a gradient, only if it was there: w.g and the sum of magnitudes |g|_1.
    """

    parameters: list[Tensor]
    layout: Layout
    recipes: list[Recipe] | None
    norms: Sequence[Tensor]
    peaks: Sequence[Tensor]
    products: Sequence[Tensor]
    sums: Sequence[Tensor]


@dataclass(frozen=True, slots=True)
class _Sides:
    """Of the layers with a gradient |w| and |w'| before and after the step, |D|, |g| and w.g, where they are known.

    peaks: largest magnitude of w; sums: sum of the magnitudes of g.
    """

    layout: Layout
    recipes: list[Recipe] | None
    entries: list[int]
    before: list[float]
    after: list[float] | None
    moves: Sequence[float] | None
    grads: Sequence[float] | None
    products: Sequence[float] | None
    peaks: list[float]
    sums: Sequence[float]


class AlignmentProbe:
    """The weights w before a step against its gradient g and its move D, by layer and over the layers with a gradient.

    - `angular_update`: the angle between w and w' = w + D. `adam_update_rms`: D without AdamW's decay, in units of the
      learning rate. Both are arithmetic on |w|, |w'| and |D|, see `ergoscope.numerics.triangle`.
    - `eff_lr`: lr/|w|^2 or lr/|w|; of the whole the mean lr, weighted by |w|^2, in the place of lr.
    - `cos_w_neg_grad`: -w.g / (|w| |g|). `dual_alignment`: the same in the geometry in which the sign of the gradient
      is steepest descent, -w.g / (largest |w_i| * sum of |g_i|): Tsilivis, Vardi, Kempe (2025).
    - `fdr1_ratio`: SGD with v' = mu v + (1 - d)(g + decay w), w' = w - lr v' keeps the mean of |w|^2 only when the
      mean of w.(g + decay w) is (lr/2) (1 + mu)/(1 - d) times that of |v'|^2: Yaida (2019), the first
      fluctuation-dissipation relation. |v'| is read as |D|/lr. Both sides are summed over layers and averaged over
      some 100 readings, then divided. With w' for w the left side would lack D.g, which is as large as the right side.

    Norms of g, w' and D come from the probes before this one; where one was not due at this step, what needs it is
    absent. Products are taken before the step, when w and g are both there. Where the backward pass runs inside the
    step, w.g is w'.g - D.g.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "angular_update",
        "eff_lr",
        "adam_update_rms",
        "cos_w_neg_grad",
        "dual_alignment",
        "fdr1_ratio",
    )

    def __init__(self, update: UpdateProbe) -> None:
        """Take D from `update`."""
        self._update = update
        self._start: _Start | None = None
        self._balance = RatioOfMeans()

    def prepare(self, moment: Moment, *, gradients: bool) -> None:
        """Take the norms of the weights before the step, and their products with gradients that are there already."""
        ready, layout = gradients and _dense(moment), moment.layout
        self._start = _Start(
            moment.parameters,
            layout,
            recipes_of(moment.optimizer, moment.parameters),
            norms_of(moment.parameters, layout.weight_dtype),
            norms_of(moment.parameters, layout.weight_dtype, order=math.inf),
            products_of(moment.active, moment.grads) if ready else [],
            norms_of(moment.grads, layout.grad_dtype, order=1.0) if ready and moment.grads else [],
        )

    def measure(self, moment: Moment) -> Reading | None:
        """Hand over what `prepare` took; of gradients that came with the step, their products with w' and D too."""
        start, self._start = self._start, None
        if start is None or start.parameters is not moment.parameters or not moment.active:
            return None
        layout = moment.layout
        products, sums = (start.products, start.sums) if start.layout is layout else ([], [])
        scales: list[float] = []
        moved = self._update.moved
        if not products and moved is not None and _dense(moment) and not _may_overwrite(moment.optimizer):
            tensors, scales = moved
            products = [*products_of(moment.active, moment.grads), *products_of(tensors, moment.grads)]
            sums = norms_of(moment.grads, layout.grad_dtype, order=1.0)
        entries = [p.numel() for p in moment.active]
        values = [*start.norms, *start.peaks, *sums, *products]
        return Reading(values, partial(self._read, layout, start.recipes, entries, scales, len(sums)))

    def _read(
        self,
        layout: Layout,
        recipes: list[Recipe] | None,
        entries: list[int],
        scales: list[float],
        summed: int,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        count = len(layout.names)
        every, peaks, rest = values[:count], values[count : 2 * count], values[2 * count :]
        sums, products = rest[:summed], rest[summed:]
        if scales:
            pairs = zip(products[: len(scales)], products[len(scales) :], scales, strict=True)
            products = [after + scale * moved for after, moved, scale in pairs]
        after = findings.column("weight_norm", layout)
        sides = _Sides(
            layout=layout,
            recipes=recipes and [recipes[i] for i in layout.active],
            entries=entries,
            before=[every[i] for i in layout.active],
            after=None if after is None else [after[i] for i in layout.active],
            moves=findings.column("update_norm", layout),
            grads=findings.column("grad_norm_clipped", layout) or findings.column("grad_norm", layout),
            products=products or None,
            peaks=[peaks[i] for i in layout.active],
            sums=sums,
        )
        _read_turn(sides, findings)
        _read_rate(sides, findings)
        _read_adam(sides, findings)
        _read_slope(sides, findings)
        _read_dual(sides, findings)
        self._read_balance(sides, findings)

    def _read_balance(self, sides: _Sides, findings: Findings) -> None:
        if sides.recipes is None or sides.moves is None or sides.products is None:
            return
        pull = noise = 0.0
        for r, size, move, product in zip(sides.recipes, sides.before, sides.moves, sides.products, strict=True):
            if r.spread is None:
                return
            if r.rate > 0:
                pull += r.sign * product + r.decay * size * size
                noise += r.spread / (2.0 * r.rate) * move * move
        self._balance.add(pull, noise)
        findings.add_parts("fdr1_ratio", self._balance.means, lambda means: _divide(means[0], means[1]))


def _read_turn(sides: _Sides, findings: Findings) -> None:
    if sides.after is None or sides.moves is None:
        return
    angles = [turn(*lengths) for lengths in zip(sides.before, sides.after, sides.moves, strict=True)]
    _publish("angular_update", sides.layout, angles, findings)
    squares = [sum([n * n for n in norms]) for norms in (sides.before, sides.after, sides.moves)]
    findings.add_parts("angular_update", squares, lambda sums: turn(*[s**0.5 for s in sums]))


def _read_rate(sides: _Sides, findings: Findings) -> None:
    recipes = sides.recipes
    if recipes is None or recipes[0].power is None:
        return
    power = recipes[0].power
    rates = [_divide(r.rate, size**power) for r, size in zip(recipes, sides.before, strict=True)]
    _publish("eff_lr", sides.layout, rates, findings)
    squares = [size * size for size in sides.before]
    weighted = sum([r.rate * s for r, s in zip(recipes, squares, strict=True)])
    findings.add_parts("eff_lr", (weighted, sum(squares)), lambda sums: _divide(sums[0], sums[1] ** (1 + power / 2)))


def _read_adam(sides: _Sides, findings: Findings) -> None:
    layout, recipes = sides.layout, sides.recipes
    if recipes is None or sides.after is None or sides.moves is None or layout.weight_dtype not in _UNROUNDED:
        return
    steps = []
    for i, r in enumerate(recipes):
        if r.apart is None or not r.rate:
            return
        lengths = sides.before[i], sides.after[i], sides.moves[i]
        steps.append(rms_without_decay(*lengths, rate=r.rate, decay=r.apart, entries=sides.entries[i]))
    _publish("adam_update_rms", layout, steps, findings)
    # A NaN is the largest: what is not a number must not hide behind another layer.
    largest = max([*steps, findings.scalars.get("adam_update_rms", 0.0)], key=lambda s: (math.isnan(s), s))
    findings.scalars["adam_update_rms"] = largest


def _read_slope(sides: _Sides, findings: Findings) -> None:
    if sides.products is None or sides.grads is None:
        return
    layers = list(zip(sides.products, sides.before, sides.grads, strict=True))
    _publish("cos_w_neg_grad", sides.layout, [_divide(-p, w * g) for p, w, g in layers], findings)
    sums = sum([p for p, _, _ in layers]), sum([w * w for _, w, _ in layers]), sum([g * g for _, _, g in layers])
    findings.add_parts("cos_w_neg_grad", sums, lambda s: _divide(-s[0], (s[1] * s[2]) ** 0.5))


def _read_dual(sides: _Sides, findings: Findings) -> None:
    if sides.products is None:
        return
    metric = "dual_alignment"
    for peak in sides.peaks:
        findings.add_largest(metric, peak)
    # By the end the largest entry is that of all optimizers.
    sums = sum(sides.products), sum(sides.sums)
    findings.add_parts(metric, sums, lambda s: _divide(-s[0], findings.largest[metric] * s[1]))


def _publish(metric: str, layout: Layout, values: Sequence[float], findings: Findings) -> None:
    if layout.layered:
        findings.columns.append(Column(metric, layout.number, layout.moved, values))


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


def _dense(moment: Moment) -> bool:
    return all(g.layout == torch.strided for g in moment.grads)


def _may_overwrite(optimizer: Optimizer) -> bool:
    return isinstance(optimizer, SGD) and any(group["nesterov"] for group in optimizer.param_groups)
