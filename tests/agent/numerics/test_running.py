"""Ratios of means: smoothed apart, divided last."""

import math

import pytest

from ergoscope.numerics.running import RatioOfMeans


def test_the_ratio_is_that_of_the_weighted_means() -> None:
    ratio = RatioOfMeans(0.9)
    pairs = [(1.0, 2.0), (-3.0, 5.0), (4.0, 1.0)]
    weights = [0.81, 0.9, 1.0]

    found = [ratio.add(*pair) for pair in pairs][-1]

    top = sum(w * a for w, (a, _) in zip(weights, pairs, strict=True))
    bottom = sum(w * b for w, (_, b) in zip(weights, pairs, strict=True))
    assert found == pytest.approx(top / bottom)
    assert ratio.means == pytest.approx((top / sum(weights), bottom / sum(weights)))


def test_what_is_not_finite_is_left_out() -> None:
    ratio = RatioOfMeans()
    ratio.add(1.0, 2.0)

    assert ratio.add(math.nan, 1.0) == ratio.add(1.0, math.inf) == 0.5


def test_without_a_denominator_there_is_no_ratio() -> None:
    ratio = RatioOfMeans()

    assert all(map(math.isnan, ratio.means))
    assert math.isnan(ratio.add(1.0, 0.0))


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_that_forgets_nothing_or_too_much_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=f"decay is {decay}; it must be at least 0 and below 1"):
        RatioOfMeans(decay)
