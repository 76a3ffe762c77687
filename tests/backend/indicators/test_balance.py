"""The newest balance, and when it says that the loss is not held where it is."""

import pytest

from ergoscope_server.indicators.balance import Balance, balance_now
from ergoscope_server.indicators.points import NOTHING, points


def test_the_newest_finite_one_counts_with_the_error_of_its_step() -> None:
    ratio = points([10, 20, 30], [0.5, 0.9, float("nan")])
    error = points([10, 20], [0.2, 0.1])

    assert balance_now(ratio, error) == Balance(0.9, 0.1, 20)
    assert balance_now(ratio, NOTHING) is None
    assert balance_now(NOTHING, error) is None


@pytest.mark.parametrize(
    ("value", "error", "off"), [(0.03, 0.01, True), (0.5, 0.2, False), (1.0, 0.05, False), (1.6, 0.1, True)]
)
def test_it_is_off_when_its_whole_interval_lies_outside(value: float, error: float, off: bool) -> None:
    assert Balance(value, error, 1).off is off
