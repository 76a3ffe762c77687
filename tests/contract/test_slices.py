"""A request for a slice says what may be asked, and refuses the rest with what was seen."""

import math

import msgspec
import pytest

from ergoscope_contract.answers import Receipt
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.slices import SliceRequest


@pytest.mark.parametrize("points", [5, 21, 41])
def test_odd_numbers_within_the_limits_may_be_asked(points: int) -> None:
    assert SliceRequest("s1", points=points).points == points


@pytest.mark.parametrize("points", [-1, 3, 4, 20, 42, 43])
def test_another_number_of_points_is_refused(points: int) -> None:
    with pytest.raises(ShapeError, match=f"points is {points}; allowed: odd numbers from 5 to 41"):
        SliceRequest("s1", points=points)


@pytest.mark.parametrize("extent", [0.0, -1.0, math.inf, math.nan])
def test_an_extent_that_is_no_length_is_refused(extent: float) -> None:
    with pytest.raises(ShapeError, match=f"extent is {extent}; it must be positive and finite, in weight norm, or"):
        SliceRequest("s1", extent=extent)


@pytest.mark.parametrize("share", [0.001, 1.0])
def test_a_share_within_the_limits_may_be_asked(share: float) -> None:
    assert SliceRequest("s1", share=share).share == share


@pytest.mark.parametrize("share", [0.0, -0.1, 1e-6, 1.01, math.nan])
def test_a_share_of_next_to_nothing_or_of_more_than_all_is_refused(share: float) -> None:
    with pytest.raises(ShapeError, match=f"share is {share}; allowed: 0.001 to 1, of the step time, or left out"):
        SliceRequest("s1", share=share)


def test_a_receipt_carries_requests_and_comes_back() -> None:
    sent = Receipt(stored=True, requests=[SliceRequest("s1", axes="update", dimensions=2, points=11, extent=0.5)])

    assert msgspec.json.decode(msgspec.json.encode(sent), type=Receipt) == sent


def test_a_receipt_without_requests_is_written_as_before() -> None:
    assert msgspec.json.encode(Receipt(stored=True)) == b'{"stored":true}'
