"""What a probe is, and how the readings of several become one vector that leaves the device in one copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ergoscope.findings import Findings
from ergoscope.layers import Moment
from ergoscope.readout import Readout, read_out
from ergoscope.schedule import Charge

Reader = Callable[[Sequence[float], Findings], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one probe took at one step.

    values: real tensors without dimensions, or one vector, made without waiting for them; or numbers that the
        host knows already.
    read: called with the same numbers on the host, a step or more later, to add what they say to the step's findings.
    """

    values: Sequence[Tensor] | Sequence[float] | Tensor
    read: Reader


class Probe(Protocol):
    """Takes one kind of quantity of one optimizer, right after a step."""

    produces: ClassVar[tuple[str, ...]]  # ids in the catalogue

    def measure(self, moment: Moment) -> Reading | None:
        """Take the quantity now; None when there is nothing to take. Runs under `torch.no_grad`.

        Allowed are tensor operations that queue and return. Not allowed: `.item()` and other waiting, the global
        random generators, changing parameters, gradients or optimizer state.
        """
        ...


class Sheet:
    """The readings of one optimizer at one step, on their way to the host.

    On a device they are put into one vector that the device sends when it gets there. On the CPU they are
    there already. Numbers are few and this code runs with cold caches, so plain lists are faster than arrays.
    """

    def __init__(self, readings: Sequence[tuple[int, Reading]], device: torch.device) -> None:
        """Take the readings.

        Args:
            readings: At least one, each with the number of its task.
            device: Where the optimizer's parameters are; readings from elsewhere are moved there.
        """
        self._readings = readings
        self._readout: Readout | None = None
        if device.type != "cpu":
            vectors = [_vector(reading.values, device) for _, reading in readings]
            self._lengths = [v.numel() for v in vectors]
            self._readout = read_out(torch.cat(vectors))

    def ready(self) -> bool:
        """Whether `read` would not wait."""
        return self._readout is None or self._readout.ready()

    def read(self, findings: Findings, *, charge: Charge, clock: Callable[[], float]) -> None:
        """Let each probe read its own part, and book the seconds to its task."""
        before, start = clock(), 0
        everything = None if self._readout is None else self._readout.values()
        for number, (task, reading) in enumerate(self._readings):
            if everything is None:
                values = _numbers(reading.values)
            else:
                end = start + self._lengths[number]
                values, start = everything[start:end], end
            reading.read(values, findings)
            now = clock()
            charge(task, now - before, "read")
            before = now


def _numbers(values: Sequence[Tensor] | Sequence[float] | Tensor) -> Sequence[float]:
    if isinstance(values, Tensor):
        return values.tolist()
    return [v.item() if isinstance(v, Tensor) else v for v in values]


def _vector(values: Sequence[Tensor] | Sequence[float] | Tensor, device: torch.device) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(device, non_blocking=True)
    tensors = [v if isinstance(v, Tensor) else torch.full((), v, device=device) for v in values]
    return torch.stack([t if t.device == device else t.to(device, non_blocking=True) for t in tensors]).float()
