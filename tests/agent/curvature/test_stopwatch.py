"""Time of a device, against a device that does as it is told."""

from collections.abc import Iterator

import pytest
import torch

from ergoscope.curvature.stopwatch import Stopwatch


class Mark:
    """A CUDA event whose stream reaches it when the test says so."""

    reached = True
    milliseconds = 0.0

    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing

    def record(self, stream: str) -> None:
        assert stream == "stream of cuda:1"

    def query(self) -> bool:
        return Mark.reached

    def elapsed_time(self, end: "Mark") -> float:
        return Mark.milliseconds


@pytest.fixture(autouse=True)
def _device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(torch.cuda, "Event", Mark)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(Mark, "reached", True)
    return


def lap(stopwatch: Stopwatch, device: str = "cuda:1") -> None:
    with stopwatch.lap(torch.device(device)):
        pass


def test_what_the_device_took_longer_than_the_host_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark, "milliseconds", 20.0)
    times = iter([1.0, 1.005, 2.0, 2.03])  # 5 ms and 30 ms on the host
    stopwatch = Stopwatch(lambda: next(times))

    lap(stopwatch)
    lap(stopwatch)

    assert stopwatch.overtime() == pytest.approx(0.015)
    assert stopwatch.overtime() == 0.0


def test_a_lap_that_is_not_over_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark, "milliseconds", 20.0)
    monkeypatch.setattr(Mark, "reached", False)
    stopwatch = Stopwatch(lambda: 0.0)

    lap(stopwatch)
    before = stopwatch.overtime()
    monkeypatch.setattr(Mark, "reached", True)

    assert before == 0.0
    assert stopwatch.overtime() == pytest.approx(0.02)


def test_work_of_the_host_is_timed_by_its_own_clock() -> None:
    stopwatch = Stopwatch(lambda: 0.0)

    lap(stopwatch, "cpu")

    assert stopwatch.overtime() == 0.0


def test_a_lap_that_fails_is_over_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark, "milliseconds", 20.0)
    stopwatch = Stopwatch(lambda: 0.0)

    with pytest.raises(ValueError, match="mid-way"), stopwatch.lap(torch.device("cuda:1")):
        raise ValueError("mid-way")

    assert stopwatch.overtime() == pytest.approx(0.02)
