"""The interval of a mean of few readings: what it covers, and how often noise passes for a level."""

import numpy as np
import pytest

from ergoscope_server.indicators.few import mean_of_few
from tests.reference.ar1 import ar1

RUNS = 300


@pytest.mark.parametrize("n", [8, 12, 40, 400])
def test_the_interval_covers_the_mean_of_independent_readings(n: int) -> None:
    found = [mean_of_few(1 + ar1(0.0, n, seed=r)) for r in range(RUNS)]

    covered = np.mean([few is not None and abs(few.mean - 1) <= few.half() for few in found])
    assert covered > 0.94 - 4 * (0.94 * 0.06 / RUNS) ** 0.5


@pytest.mark.parametrize(
    ("phi", "n", "least"),
    [(0.5, 40, 0.92), (0.9, 400, 0.93), (0.99, 4000, 0.92), (0.9, 20, 0.6)],
)
def test_memory_that_batches_cannot_hold_is_not_allowed_for(phi: float, n: int, least: float) -> None:
    """Readings that remember each other over a good part of the stretch have too narrow an interval: measured."""
    found = [mean_of_few(ar1(phi, n, seed=r)) for r in range(RUNS)]

    covered = np.mean([few is not None and abs(few.mean) <= few.half() for few in found])
    assert covered > least - 4 * (least * (1 - least) / RUNS) ** 0.5


@pytest.mark.parametrize("n", [8, 12, 40, 400])
def test_independent_noise_hardly_ever_passes_for_a_level(n: int) -> None:
    found = [mean_of_few(ar1(0.0, n, seed=r)) for r in range(RUNS)]

    alarms = sum(few is not None and few.beyond(0.99865) > 0 for few in found)
    assert alarms <= 1 + 4 * (0.00135 * RUNS) ** 0.5  # nominal .135 %, .4 of 300


def test_the_bound_of_a_probability_of_a_half_is_the_mean() -> None:
    few = mean_of_few(np.arange(8.0))

    assert few is not None
    assert few.beyond(0.5) == pytest.approx(few.mean)
    assert few.half(0.95) > few.half(0.5) > 0


def test_seven_readings_are_too_few() -> None:
    assert mean_of_few(np.ones(7)) is None
