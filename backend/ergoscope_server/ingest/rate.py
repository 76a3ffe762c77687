"""How many values a second a run may send: a bucket for each that fills steadily and is emptied by what comes.

A batch is taken whole while its run's bucket is not empty, and may leave it in debt; so the largest batch gets through
at the lowest rate, and what is sent on average is the rate. Each process has its own buckets: the batches of a sender
come over one connection, so to one process, but ranks of a run may reach several.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

BURST_S = 10  # seconds of silence that may be made up for at once
MOST_BUCKETS = 10_000  # then those that are full are forgotten, which changes nothing


class FastError(RuntimeError):
    """A run sends more than it may; the sender keeps its batch and tries again in `wait_s` seconds."""

    def __init__(self, text: str, wait_s: int) -> None:
        super().__init__(text)
        self.wait_s = wait_s


@dataclass(slots=True)
class _Bucket:
    level: float
    seen: float


class Rate:
    """The buckets of the runs of one process."""

    def __init__(self, *, values_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Hold what it works with; `values_s` is how many values a second, 0 for any number."""
        self._rate, self._clock = values_s, clock
        self._lock = Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, run: str, values: int) -> None:
        """Count the values of a batch.

        Raises:
            FastError: the run's bucket is empty.
        """
        if not self._rate:
            return
        with self._lock:
            bucket = self._fill(run)
            if bucket.level > 0:
                bucket.level -= values
                return
            wait = ceil(-bucket.level / self._rate) + 1
        raise FastError(
            f"run {run!r} has sent more than {self._rate:,} values a second, which is what a run may; keep the batch "
            f"and send it again in {wait} s. If this lasts, log less often, or have ERGOSCOPE_RUN_RATE raised at the "
            "service",
            wait,
        )

    def _fill(self, run: str) -> _Bucket:
        now, most = self._clock(), float(self._rate * BURST_S)
        bucket = self._buckets.get(run)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                left = {name: one for name, one in self._buckets.items() if self._level(one, now) < most}
                self._buckets = left
            bucket = self._buckets[run] = _Bucket(most, now)
        bucket.level, bucket.seen = min(most, self._level(bucket, now)), now
        return bucket

    def _level(self, bucket: _Bucket, now: float) -> float:
        return bucket.level + (now - bucket.seen) * self._rate
