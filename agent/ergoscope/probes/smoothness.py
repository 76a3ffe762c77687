"""Smoothness radius: how far from the weights the quadratic picture of the loss holds, and how many steps that is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.curvature.blocks import Block
from ergoscope.curvature.ladder import How
from ergoscope.curvature.last_step import LastStep
from ergoscope.curvature.smoothness import Search, misfit, smoothness_radius
from ergoscope.curvature.vectors import norm
from ergoscope.findings import Findings
from ergoscope.layers import Moment, parameters_of
from ergoscope.probes.probe import Reading
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.remark import Remark, Remarks

_ROUNDINGS = 16  # units of rounding that a misfit must be above, against the lengths of the vectors that it is made of
_DIFFERENCE = 1e-3  # and where products are differences of gradients
_FLOOR = 1e-3  # weights smaller than this root mean square count as this large
_VECTORS = 6  # the weights before the step, the step, a direction, its product, the nudge, and a gradient
_WIDE = (torch.float32, torch.float64)


@dataclass(frozen=True, slots=True)
class _Try:
    """What was tried along one direction: its name, and the lengths."""

    name: str
    search: Search
    lengths: tuple[float, ...]


class SmoothnessProbe:
    """Least upper bound on the smoothness radius along three directions, on the fixed batch right after a step.

    The directions are the gradient, backwards; the curvature's answer to it, Hg, which is a step of power iteration
    towards the steepest ones; and the step that was made just before, known with one optimizer and where there is
    memory for a copy of the weights. Each takes a product with the Hessian and one gradient, at the first look five:
    with those the bound is up to twice the least one, later it is that.

    Attributes:
        idle: Whether it has given up.
        vectors: Held at once.
        turn: Looks so far.
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("gns_radius", "gns_radius_steps")
    steady: ClassVar[bool] = True

    def __init__(self, vantage: Vantage) -> None:
        """Look from `vantage`."""
        self.idle = False
        self.vectors = _VECTORS
        self.turn = 0
        self.remarks = Remarks()
        self._vantage = vantage
        self._last_step = LastStep()
        self._searches: dict[tuple[str, str], Search] = {}  # by block and direction
        vantage.enlist(self)

    def prepare(self, moment: Moment) -> None:
        """An optimizer is about to step: copy the weights, where what it does to them will be looked at."""
        self._last_step.let_go()
        if self._vantage.expects(self):
            trained = [p for p in parameters_of(moment.optimizer) if p.requires_grad and p.is_floating_point()]
            self._last_step.begin(trained, vectors=_VECTORS)

    def measure(self, moment: Moment) -> Reading | None:
        """Look now."""
        try:
            return self._vantage.reading(self, moment)
        finally:
            self._last_step.let_go()

    def look(self, opening: Opening) -> Reading | None:
        """Try the lengths of one reading along each direction."""
        narrow = next((p.dtype for p in opening.block.parameters if p.dtype not in _WIDE), None)
        if narrow:
            self.idle = True
            text = f"the smoothness radius is absent: weights in {narrow} would round most of a nudge away"
            self.remarks.tell(Remark(text, absent=True))
        if narrow or opening.beside is None:
            return None
        gradient, step = opening.products.gradient, self._last_step.move(opening.block.parameters)
        size = _size(opening.block)
        numbers = [norm(gradient), torch.zeros_like(size) if step is None else norm(step), size]
        tries: list[_Try] = []
        answer = opening.products(gradient)
        for name, way, image in (("−g", -gradient, -answer), ("Hg", answer, None), ("the last step", step, None)):
            if way is not None:
                search = self._searches.setdefault((opening.block.name, name), Search())
                tries.append(_Try(name, search, search.lengths))
                product = opening.products(way) if image is None else image
                tried = partial(_tried, opening.beside, gradient, way, product)
                numbers += tried([length * size for length in search.lengths])
        self.turn += 1
        return Reading(torch.stack(numbers), partial(self._read, opening.block, opening.label, tries))

    def forget(self) -> None:
        """Begin all searches anew."""
        self._searches.clear()
        self.turn = 0

    def _read(self, block: Block, label: Label, tries: list[_Try], values: Sequence[float], findings: Findings) -> None:
        gradient, step, size, *rest = values
        if not (0 < gradient < math.inf and math.isfinite(size)):
            return
        rounding, start = _rounding(block, label.how), 0
        moved: list[_Try] = []
        lengths: list[float] = []
        misfits: list[float] = []
        for one in tries:
            there, *pairs = rest[start : start + 1 + 2 * len(one.lengths)]
            start += 1 + len(pairs)
            if there > 0:
                moved.append(one)
                found = [_seen(off, of, rounding) for off, of in zip(pairs[::2], pairs[1::2], strict=True)]
                one.search.read(gradient, one.lengths, found)
                lengths += [length * size for length in one.lengths]
                misfits += found
        if moved:
            names = ", ".join(one.name for one in moved)
            how = f"{label.how}, on {label.batch}, over {label.over}; along {names}"
            self.remarks.tell(Remark(f"the smoothness radius: curvature is {how}", how=how))
            _publish(block.name, smoothness_radius(gradient, lengths, misfits), step, findings)


def _publish(block: str, radius: float, step: float, findings: Findings) -> None:
    name = f"/{block}" if block else ""
    findings.scalars[f"gns_radius{name}"] = radius
    if step > 0:
        findings.scalars[f"gns_radius_steps{name}"] = radius / step


def _tried(
    beside: Callable[[Tensor], Tensor], gradient: Tensor, way: Tensor, product: Tensor, lengths: Sequence[Tensor]
) -> list[Tensor]:
    """Whether there is a direction at all, as 1 or 0, and for each length the misfit and what it is made of."""
    long = norm(way)
    unit = long.clamp_min(torch.finfo(long.dtype).tiny)
    numbers = [long / unit]
    for length in lengths:
        share = (length / unit).to(way.dtype)
        slope, image = beside(share * way), share * product
        numbers += [misfit(slope, gradient, image), norm(slope) + norm(gradient) + norm(image)]
    return numbers


def _size(block: Block) -> Tensor:
    """‖w‖, the unit of lengths; not waited for."""
    found = torch.stack([norm(p.detach().reshape(-1)) for p in block.parameters])
    return norm(found).clamp_min(_FLOOR * block.size**0.5)


def _rounding(block: Block, how: How) -> float:
    """What of a misfit may be nothing but rounding, as a share of what it is made of."""
    if how is How.DIFFERENCE:
        return _DIFFERENCE
    return _ROUNDINGS * max(torch.finfo(p.dtype).eps for p in block.parameters)


def _seen(off: float, of: float, rounding: float) -> float:
    """A misfit that is none when it may be rounding, and infinite when it is no number."""
    if not math.isfinite(off):
        return math.inf
    return off if off > rounding * of else 0.0
