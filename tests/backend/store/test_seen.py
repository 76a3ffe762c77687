"""Sequence numbers seen, as intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_contract.errors import ShapeError
from ergoscope_server.store.seen import MOST_GAPS, Seen


@given(st.lists(st.integers(0, 40)))
def test_a_number_is_new_exactly_once_in_any_order(numbers: list[int]) -> None:
    seen, known = Seen(), set[int]()

    for number in numbers:
        assert seen.add(number) is (number not in known)
        known.add(number)

    assert [n for low, high in seen.intervals for n in range(low, high)] == sorted(known)
    assert Seen(seen.pack()).intervals == seen.intervals


def test_a_sender_in_order_needs_one_interval() -> None:
    seen = Seen()

    for number in range(10_000):
        seen.add(number)

    assert seen.intervals == [(0, 10_000)]


def test_too_many_gaps_are_refused_with_what_to_do() -> None:
    seen = Seen()
    for number in range(MOST_GAPS):
        seen.add(2 * number)

    with pytest.raises(ShapeError, match=rf"seq {2 * MOST_GAPS} would be gap number {MOST_GAPS}; send the batches"):
        seen.add(2 * MOST_GAPS)
