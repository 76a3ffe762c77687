"""How long extra work keeps a device busy, known afterwards, without waiting for it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Times work that the host only queues: its clock sees the queueing, marks in the CUDA stream see the rest.

    On other devices nothing is known beyond the host's time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the host's time from `clock`, in seconds."""
        self._clock = clock
        self._laps: deque[tuple[torch.cuda.Event, torch.cuda.Event, float]] = deque()

    @contextmanager
    def lap(self, device: torch.device) -> Iterator[None]:
        """Time what is queued inside on the current stream of `device`."""
        if device.type != "cuda":
            yield
            return
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        stream, start = torch.cuda.current_stream(device), self._clock()
        begin.record(stream)
        try:
            yield
        finally:
            end.record(stream)
            self._laps.append((begin, end, self._clock() - start))

    def overtime(self) -> float:
        """Seconds for which laps that are over by now kept the device beyond the host's time; each told once."""
        total = 0.0
        while self._laps and self._laps[0][1].query():  # type: ignore[no-untyped-call]  # as above
            begin, end, host = self._laps.popleft()
            total += max(begin.elapsed_time(end) / 1e3 - host, 0.0)
        return total
