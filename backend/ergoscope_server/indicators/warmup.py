"""Is the learning rate still rising from its start?"""

from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ergoscope_server.indicators.points import Points

HOLD = 20  # logged learning rates without a new highest that end a warm-up
LEAST = 1.1  # growth below this is not called a warm-up


class WarmUp(Struct, frozen=True):
    """How far the initial rise of the learning rate has come.

    first, top: first and highest rate seen; risen: step of the last new highest; idle: logged rates since then.
    """

    phase: Literal["unknown", "rising", "over"] = "unknown"
    first: float | None = None
    top: float = 0.0
    risen: int = 0
    idle: int = 0

    @property
    def happened(self) -> bool:
        """Say whether there was a warm-up and it is over; `risen` is its last step."""
        return self.phase == "over" and self.first is not None and _grown(self.first, self.top)


def follow(warm: WarmUp, lr: Points) -> WarmUp:
    """Look at newly logged learning rates, in step order; once over, a warm-up stays over.

    A rise ends when the rate falls, or sets no new highest for 20 logged values. A constant rate is over at once after
    those, without ever having risen.
    """
    if warm.phase == "over" or not len(lr):
        return warm
    if warm.first is None:
        warm = replace(warm, first=float(lr.values[0]), top=float(lr.values[0]), risen=int(lr.steps[0]))
        lr = lr.since(int(lr.steps[0]) + 1)
    first = warm.first or 0.0
    for step, value in zip(lr.steps.tolist(), lr.values.tolist(), strict=True):
        if value > warm.top * (1 + 1e-9):
            warm = replace(warm, top=value, risen=step, idle=0, phase="rising" if _grown(first, value) else "unknown")
        elif value < warm.top * (1 - 1e-6) or warm.idle + 1 >= HOLD or not np.isfinite(value):
            return replace(warm, phase="over")
        else:
            warm = replace(warm, idle=warm.idle + 1)
    return warm


def _grown(first: float, top: float) -> bool:
    return top > first and top >= LEAST * first
