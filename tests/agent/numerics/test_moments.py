"""Moments against distributions whose moments are known."""

import math

import pytest
import torch

from ergoscope.numerics.moments import moments_of


def test_small_numbers_do_not_lose_their_fourth_power() -> None:
    entries = torch.tensor([1.0, -1.0, 3.0, -3.0])  # m2 = 5, m4 = 41

    for scale in (1e-30, 1.0, 1e30):
        mean, spread, kurtosis = moments_of(entries * scale).tolist()

        assert mean == 0.0
        assert spread == pytest.approx(5**0.5 * scale, rel=1e-6)
        assert kurtosis == pytest.approx(41 / 25 - 3, rel=1e-6)


def test_equal_entries_have_no_kurtosis() -> None:
    mean, spread, kurtosis = moments_of(torch.full((10,), 0.5)).tolist()

    assert (mean, spread) == (0.5, 0.0)
    assert math.isnan(kurtosis)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_a_number_stays_one(bad: float) -> None:
    _, spread, kurtosis = moments_of(torch.tensor([1.0, bad, 2.0])).tolist()

    assert math.isnan(spread)
    assert math.isnan(kurtosis)
