"""Size of the weights."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from ergoscope.findings import Findings
from ergoscope.layers import Layout, Moment
from ergoscope.numerics.norms import norms_of
from ergoscope.probes.probe import Reading


class WeightProbe:
    """Norm of the weights after the step, by layer and in all; parameters without a gradient belong to them.

    Attributes:
        latest: Norms of all parameters as last read, with their layout's names; None before the first reading.
    """

    produces: ClassVar[tuple[str, ...]] = ("weight_norm",)

    def __init__(self) -> None:
        """Begin without a reading."""
        self.latest: tuple[tuple[str, ...], Sequence[float]] | None = None

    def measure(self, moment: Moment) -> Reading | None:
        """Norms of all parameters."""
        layout = moment.layout
        return Reading(norms_of(moment.parameters, layout.weight_dtype), partial(self._read, layout))

    def _read(self, layout: Layout, values: Sequence[float], findings: Findings) -> None:
        self.latest = (layout.names, values)
        findings.add_norms("weight_norm", layout, layout.names, values)
