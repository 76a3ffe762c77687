"""Numbers on their way from the device to the host, without anyone waiting for them."""

from typing import Protocol

import torch
from torch import Tensor


class Readout(Protocol):
    """A measured vector that arrives in its own time."""

    def ready(self) -> bool:
        """Whether `values` would return at once."""
        ...

    def values(self) -> list[float]:
        """The numbers; waits for them when they are not there yet."""
        ...


class CudaReadout:
    """A vector that the stream copies to pinned memory when it gets there; an event says that it did."""

    def __init__(self, values: Tensor) -> None:
        """Queue the copy behind the work that makes `values`."""
        self._host = torch.empty(values.shape, dtype=values.dtype, device="cpu", pin_memory=True)
        self._host.copy_(values, non_blocking=True)
        self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._done.record(torch.cuda.current_stream(values.device))

    def ready(self) -> bool:
        """Whether the copy is done."""
        return bool(self._done.query())  # type: ignore[no-untyped-call]  # as above

    def values(self) -> list[float]:
        """The vector; waits for the event."""
        self._done.synchronize()
        numbers: list[float] = self._host.tolist()
        return numbers


class DeviceReadout:
    """A vector on a device without pinned copies (MPS and others): fetched when asked for, a step later."""

    def __init__(self, values: Tensor) -> None:
        """Keep the vector on its device."""
        self._values = values

    def ready(self) -> bool:
        """Always: the work that made it was queued a step ago."""
        return True

    def values(self) -> list[float]:
        """Copy the vector to the host."""
        numbers: list[float] = self._values.tolist()
        return numbers


def on_host(tensor: Tensor) -> Tensor:
    """A copy that is there when what is sent after it is: on the host, or on a device from which nobody waits."""
    if not tensor.is_cuda:
        return tensor.clone()
    host = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu", pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def read_out(values: Tensor) -> Readout:
    """Send a device's fp32 vector on its way to the host."""
    return CudaReadout(values) if values.is_cuda else DeviceReadout(values)
