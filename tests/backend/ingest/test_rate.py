"""How many values a second a run may send."""

import pytest

from ergoscope_server.ingest import rate as module
from ergoscope_server.ingest.rate import BURST_S, FastError, Rate


class Clock:
    """Seconds, set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_run_may_send_a_burst_and_then_waits_until_its_debt_is_paid() -> None:
    clock = Clock()
    rate = Rate(values_s=100, clock=clock)
    rate.take("r", 100 * BURST_S - 1)
    rate.take("r", 501)  # the bucket is not empty, so a batch is taken whole

    with pytest.raises(FastError) as refused:
        rate.take("r", 1)
    rate.take("other", 1)
    clock.now = 6.0
    rate.take("r", 1)

    assert refused.value.wait_s == 6
    assert str(refused.value) == (
        "run 'r' has sent more than 100 values a second, which is what a run may; keep the batch and send it again in "
        "6 s. If this lasts, log less often, or have ERGOSCOPE_RUN_RATE raised at the service"
    )


def test_on_average_the_rate_is_what_gets_through_whatever_the_size_of_batches() -> None:
    for size in (10, 1_000, 50_000):
        clock = Clock()
        rate, taken = Rate(values_s=1_000, clock=clock), 0
        for second in range(1_000):
            clock.now = float(second)
            for _ in range(5):
                try:
                    rate.take("r", size)
                except FastError:
                    break
                taken += size
        # What was there at the beginning comes on top, and one batch may be taken on credit.
        most = 1_000 * (1_000 + BURST_S) + size
        assert min(5_000 * size, 1_000 * 1_000) <= taken <= most


def test_without_a_rate_everything_gets_through() -> None:
    rate = Rate(values_s=0)

    for _ in range(10):
        rate.take("r", 10**9)


def test_full_buckets_are_forgotten_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BUCKETS", 3)
    clock = Clock()
    rate = Rate(values_s=1, clock=clock)
    for run in "abc":
        rate.take(run, 1)
    rate.take("a", 10_000)
    clock.now = 100.0

    rate.take("d", 1)

    with pytest.raises(FastError, match="run 'a' has sent more than 1 values a second"):
        rate.take("a", 1)
