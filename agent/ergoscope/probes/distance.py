"""How far the weights have gone from where they were when the run began."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.distance import KEPT, Start
from ergoscope.numerics.sketch import Sketcher
from ergoscope.probes.probe import Reading
from ergoscope.remark import Remark, Remarks

_SKETCHED = "the distance from the start is read from sketches, with an error of 2.2 %, in layers of more than"


class Origin:
    """When the job began, which its distance probes share; `remarks` is what the user is to be told of it."""

    def __init__(self, start_step: int = 0) -> None:
        """Say how many steps were done before."""
        self.known = not start_step
        self.remarks = Remarks()
        self._start_step = start_step

    def tell(self) -> None:
        """Say why there is no distance, once, when it would be measured."""
        if not self.known:
            reason = f"the run was resumed at step {self._start_step}, and where it began is not known"
            self.remarks.tell(Remark(f"the distance from the start is absent: {reason}", absent=True))


class DistanceProbe:
    """‖w - w₀‖ after the step, by layer and in all, w₀ the weights before the first step that was seen.

    A part of a sharded parameter has its distance on the process that holds it: their squares add up. A parameter that
    comes later is measured from where it came.
    """

    produces: ClassVar[tuple[str, ...]] = ("dist_from_init",)

    def __init__(self, sketcher: Sketcher, origin: Origin) -> None:
        """Sketch large layers with `sketcher`; nothing is remembered yet."""
        self.begun = not origin.known  # whether there is nothing to remember any more
        self._origin = origin
        self._start = Start(sketcher)

    def begin(self, moment: Moment) -> None:
        """Remember where the weights are, before the first step."""
        self.begun = True
        self._keep(moment)
        if any(map(self._start.sketches, moment.parameters)):
            self._origin.remarks.tell(f"{_SKETCHED} {KEPT:,} entries")

    def measure(self, moment: Moment) -> Reading | None:
        """Distances of all parameters; None when the run was resumed, or one cannot be had."""
        if not self._origin.known:
            self._origin.tell()
            return None
        self._keep(moment)
        named = zip(moment.layout.names, moment.parameters, strict=True)
        found = [self._start.distance(name, p) if p.numel() else torch.zeros(()) for name, p in named]
        distances: list[Tensor] = [d for d in found if d is not None]
        return Reading(distances, partial(_read, moment.layout)) if len(distances) == len(found) else None

    def _keep(self, moment: Moment) -> None:
        for name, parameter in zip(moment.layout.names, moment.parameters, strict=True):
            self._start.keep(name, parameter)


def _read(layout: Layout, values: Sequence[float], findings: Findings) -> None:
    findings.add_norms("dist_from_init", layout, layout.names, values)
