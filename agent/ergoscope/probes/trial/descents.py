"""The sampled steps that a statement on the loss's balance rests on."""

import math
from collections import deque
from typing import NamedTuple

from ergoscope.curvature.balance import balance_by_losses
from ergoscope.findings import Findings

LEAST = 20  # steps before anything is said
_MOST = 40  # and of how many the last are looked at
_ALIKE = 2.0  # factor by which the learning rates of these steps may differ from the newest


class _Descent(NamedTuple):
    rate: float
    slope: float
    change: float


class Descents:
    """What the last sampled steps promised and what they did to the loss, and the balance of both.

    Of the last 40 steps, at least 20. Those whose learning rate is more than twice or less than half of the newest are
    left out, as the balance changes with the rate at once. Steps that moved nothing, as a GradScaler leaves them, and
    numbers that are not finite do not count.
    """

    def __init__(self) -> None:
        """Begin without a step."""
        self._steps: deque[_Descent] = deque(maxlen=_MOST)

    def add(self, rate: float, slope: float, change: float) -> None:
        """Take one more step.

        Args:
            rate: Its learning rate.
            slope: G·Δ.
            change: F(w + Δ) − F(w).
        """
        if not (math.isfinite(slope) and math.isfinite(change)) or slope == change == 0.0:
            return
        alike = [s for s in self._steps if s.rate <= _ALIKE * rate and rate <= _ALIKE * s.rate]
        self._steps = deque([*alike, _Descent(rate, slope, change)], maxlen=_MOST)

    def tell(self, findings: Findings) -> None:
        """Add the balance to a step's findings, once there are enough; NaN where steps do not point downhill."""
        if len(self._steps) < LEAST:
            return
        _, slopes, changes = zip(*self._steps, strict=True)
        found = balance_by_losses(slopes, changes)
        findings.scalars["descent_balance"] = found.ratio
        findings.scalars["descent_fraction"] = found.fraction
        findings.scalars["descent_fraction_error"] = found.fraction_error
        if math.isfinite(found.error):
            findings.scalars["descent_balance_error"] = found.error
