"""The learning rate, and its jumps."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor
from torch.optim import Optimizer

from ergoscope_contract.records import Event

_PLATEAU = 10  # equal readings after which any change is worth a mark
_JUMP = 0.2  # relative change that is a jump, unless the readings before moved as fast


class RateProbe:
    """The lr that each group's step used; known to the host, so it takes no part in the readings.

    A change is marked as an event when it ends at least 10 equal readings or when it is a jump: a fifth or more, and
    over three times the change before it. A warm-up or a cosine changes at every step and is only marked where it
    begins.
    """

    produces: ClassVar[tuple[str, ...]] = ("lr",)

    def __init__(self, optimizers: Sequence[Optimizer], *, wall: Callable[[], float]) -> None:
        """Watch the groups of `optimizers`, numbered through; `wall` is the time of events in Unix seconds."""
        self._optimizers = optimizers
        self._wall = wall
        self._traces: dict[str, _Trace] = {}
        self._keys = ["lr"]

    def look(self, step: int, scalars: dict[str, float]) -> list[Event]:
        """Write the rates of this step into `scalars`; return the changes worth a mark.

        A group whose lr is a tensor on a device is left out: reading it would wait for the device.
        """
        events: list[Event] = []
        number = 0
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                lr = group["lr"]
                if not (isinstance(lr, Tensor) and lr.device.type != "cpu"):
                    event = self._note(step, number, float(lr), scalars)
                    if event is not None:
                        events.append(event)
                number += 1
        return events

    def _note(self, step: int, number: int, lr: float, scalars: dict[str, float]) -> Event | None:
        while number >= len(self._keys):
            self._keys.append(f"lr/{len(self._keys)}")
        key = self._keys[number]
        scalars[key] = lr
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = _Trace()
        before = trace.last
        if lr == before:
            trace.equal += 1
            trace.change = 0.0
            return None
        if not trace.marks(lr):
            return None
        text = f"learning rate {before:.4g} -> {lr:.4g}" + (f" (group {number})" if number else "")
        data: dict[str, object] = {"key": key, "from": before, "to": lr}
        return Event(kind="lr_change", wall=self._wall(), step=step, text=text, data=data)


class _Trace:
    """The recent past of one rate."""

    def __init__(self) -> None:
        self.last = math.nan
        self.change = math.nan  # from the reading before the last to the last
        self.equal = 0  # readings that repeated the last

    def marks(self, lr: float) -> bool:
        """Take a new, different reading and tell whether it is worth a mark."""
        change = abs(lr - self.last)
        relative = change / max(abs(lr), abs(self.last), 1e-300)
        jump = relative >= _JUMP and change > 3 * self.change  # False while the past is not known
        marked = self.equal >= _PLATEAU or jump
        self.last, self.change, self.equal = lr, change, 1
        return marked
