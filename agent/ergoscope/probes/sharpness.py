"""Sharpness: the steepest curvature of the loss, against what the optimizer holds."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from ergoscope.curvature.sighting import Found, Sight, Sights
from ergoscope.curvature.tracker import COLD
from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.remark import Remark, Remarks

_SEED = 0
_ALONG = "batch_sharpness", "dir_sharpness"  # of the training's own batch, and of one that stays


class SharpnessProbe:
    """The Hessian's largest eigenvalue, followed by a few products a reading, and the curvature along the gradient.

    Attributes:
        idle: Never.
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "lambda_max",
        "lambda_max_residual",
        "lambda_max_precond",
        "sharpness_ratio",
        "dir_sharpness",
        "batch_sharpness",
    )

    steady: ClassVar[bool] = False

    def __init__(self, vantage: Vantage) -> None:
        """Look from `vantage`."""
        self.vectors = COLD
        self.idle = False
        self.turn = 0
        self.remarks = Remarks()
        self._vantage = vantage
        self._sights: dict[str, Sights] = {}
        self._told = ""
        vantage.enlist(self)

    def measure(self, moment: Moment) -> Reading | None:
        """What the last look saw."""
        return self._vantage.reading(self, moment)

    def look(self, opening: Opening) -> Reading:
        """Make the products of one reading: many at first, then three or six."""
        name = opening.block.name
        sights = self._sights.setdefault(name, Sights(whole=not name, seed=_SEED))
        sight = sights.take(opening.products, opening.block.parameters, opening.optimizer, factor=opening.factor)
        self.turn += 1
        along = _ALONG[opening.fixed]
        return Reading(sight.values.float(), partial(self._read, sights, sight, name, along, opening.label))

    def forget(self) -> None:
        """Begin all tracks anew."""
        self._sights.clear()
        self.turn = 0

    def _read(
        self,
        sights: Sights,
        sight: Sight,
        block: str,
        along: str,
        label: Label,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        found = sights.read(sight, values)
        if not math.isfinite(found.top.value):
            return
        scalars, name = findings.scalars, f"/{block}" if block else ""
        scalars["lambda_max_precond" if sight.scaled else f"lambda_max{name}"] = found.top.value
        scalars[f"lambda_max_residual{name}"] = found.top.residual
        if found.ratio is not None:
            scalars["sharpness_ratio"] = found.ratio
        if not name and math.isfinite(found.along):
            scalars[along] = found.along
        self._tell(label, sight, found, [key for key in self.produces if key not in _ALONG or key == along])

    def _tell(self, label: Label, sight: Sight, found: Found, made: list[str]) -> None:
        how = f"{label.how}, on {label.batch}, over {label.over}"
        if how == self._told:
            return
        self._told, edge = how, sight.edge
        how = f"{how}; {found.top.products} products"
        self.remarks.tell(Remark(f"curvature is {how}", how=how, quantities=made))
        if edge.value is None and edge.validity:
            lack = f"there is no threshold: {edge.validity}"
            self.remarks.tell(Remark(lack, absent=True, quantities=["sharpness_ratio"]))
