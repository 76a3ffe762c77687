"""How much of the steepest curvature is the model's own, and how much that of fitting the data."""

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch

from ergoscope.curvature.tracker import COLD, Tracker
from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.probes.probe import Reading
from ergoscope.probes.vantage.opening import Label, Opening
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.remark import Remark, Remarks

_SEED = 2


class FitProbe:
    """λ₁ of the Hessian less λ₁ of its Gauss-Newton part, each followed by twelve products a reading.

    A difference of two numbers that are near takes more of them than the sharpness does.

    On the fixed batch, whose model is run once more. Where that cannot be done, or is another function then, it is told
    and not tried again; what else is measured of the curvature goes on.

    Attributes:
        idle: Whether it has given up.
        vectors: Held at once.
        turn: Looks so far.
        remarks: What the user is to be told.
    """

    produces: ClassVar[tuple[str, ...]] = ("ggn_gap", "ggn_gap_residual")
    steady: ClassVar[bool] = True

    def __init__(self, vantage: Vantage) -> None:
        """Look from `vantage`."""
        self.idle = False
        self.vectors = 2 * COLD
        self.turn = 0
        self.remarks = Remarks()
        self._vantage = vantage
        self._trackers: dict[str, tuple[Tracker, Tracker]] = {}
        vantage.enlist(self)

    def measure(self, moment: Moment) -> Reading | None:
        """What it sees now."""
        return self._vantage.reading(self, moment)

    def look(self, opening: Opening) -> Reading | None:
        """Make the products of one reading."""
        if opening.fitted is None:
            return None
        name, like = opening.block.name, opening.products.gradient
        trackers = self._trackers.setdefault(name, (_tracker(), _tracker()))
        try:
            with opening.fitted() as part:
                of_part = trackers[1].measure(part.products, like)
        except Exception as error:
            self._stop((str(error) or type(error).__name__).partition("\n")[0])
            return None
        whole = trackers[0].measure(opening.products, like)
        self.turn += 1
        values = torch.cat([whole, of_part, part.drift.to(whole.dtype)[None]])
        return Reading(values, partial(self._read, name, trackers, len(whole), opening.label))

    def forget(self) -> None:
        """Begin all tracks anew."""
        self._trackers.clear()
        self.turn = 0

    def _read(
        self,
        name: str,
        trackers: tuple[Tracker, Tracker],
        length: int,
        label: Label,
        values: Sequence[float],
        findings: Findings,
    ) -> None:
        *numbers, drift = values
        whole, part = trackers[0].read(numbers[:length]), trackers[1].read(numbers[length:])
        if drift > 1:
            self._stop("run again, the model's forward pass gives something else")
        elif math.isfinite(gap := whole.value - part.value):
            block = f"/{name}" if name else ""
            findings.scalars[f"ggn_gap{block}"] = gap
            findings.scalars[f"ggn_gap_residual{block}"] = whole.residual + part.residual
            how = f"{label.how}, on {label.batch}, over {label.over}"
            self.remarks.tell(Remark(f"beyond the data fit curvature is {how}", how=how))

    def _stop(self, reason: str) -> None:
        self.idle = True
        self._trackers.clear()
        self.remarks.tell(Remark(f"curvature beyond the data fit is not measured: {reason}", absent=True))


def _tracker() -> Tracker:
    return Tracker(seed=_SEED, least=COLD)
