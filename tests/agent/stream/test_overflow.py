"""What waits for room is thinned, oldest first, and no extreme is lost."""

import math
import random
from array import array
from itertools import pairwise

import pytest

from ergoscope.stream.overflow import ROW_BYTES, Overflow, Row, merge


def row(step: int, *values: float, table: int = 0, width: int = 8) -> Row:
    return Row(table, step, float(step), width, array("d" if width == 8 else "f", values).tobytes())


def numbers(found: Row) -> list[float]:
    return list(array("d" if found.width == 8 else "f", found.values))


def drain(overflow: Overflow) -> list[Row]:
    found: list[Row] = []
    while (first := overflow.first()) is not None:
        found.append(first)
        overflow.drop_first()
    return found


def test_four_rows_become_their_lowest_and_their_highest() -> None:
    merged = merge([row(1, 5, 0), row(2, 1, 1), row(3, 9, 2), row(4, 4, 3)], set())

    assert [(r.step, r.wall, numbers(r)) for r in merged] == [(1, 1.0, [1, 0]), (4, 4.0, [9, 3])]


def test_infinities_are_extremes() -> None:
    merged = merge([row(1, math.inf), row(2, 1), row(3, -math.inf), row(4, 4)], set())

    assert [numbers(r) for r in merged] == [[-math.inf], [math.inf]]


def test_the_first_nan_of_a_column_keeps_its_step_and_the_highest_number_stays() -> None:
    flawed: set[int] = set()

    merged = merge([row(1, 1, 0), row(2, 7, 1), row(3, math.nan, 2), row(4, math.nan, 3)], flawed)
    again = merge([row(5, math.nan, 0), row(6, 2, 1), row(7, 3, 2), row(8, 1, 3)], flawed)

    assert [r.step for r in merged] == [1, 3, 4]
    assert str([numbers(r) for r in merged]) == "[[nan, 0.0], [nan, 2.0], [7.0, 3.0]]"
    assert flawed == {0}
    assert str([(r.step, numbers(r)) for r in again]) == "[(5, [nan, 0.0]), (8, [3.0, 3.0])]"


def test_below_the_limit_nothing_changes() -> None:
    overflow = Overflow()
    rows = [row(step, step / 7) for step in range(100)]

    given_up = [overflow.add(one) for one in rows]

    assert (sum(given_up), len(overflow)) == (0, 100)
    assert drain(overflow) == rows
    assert (overflow.size, len(overflow), overflow.first(), overflow.report()) == (0, 0, None, None)


@pytest.mark.parametrize("count", [1_000, 50_000])
def test_memory_is_bounded_and_first_last_lowest_and_highest_stay(count: int) -> None:
    limit = 200 * (ROW_BYTES + 16)
    overflow = Overflow(limit=limit)
    draw = random.Random(0)
    values = [draw.gauss(0, 1) for _ in range(count)]
    values[count // 3], values[2 * count // 3] = 50.0, -60.0

    given_up = 0
    for step, value in enumerate(values):
        given_up += overflow.add(row(step, value, -value))
        assert overflow.size <= limit
    thinned = overflow.report()
    left = drain(overflow)

    assert 100 <= len(left) <= 200
    assert len(left) + given_up == count
    assert [left[0].step, left[-1].step] == [0, count - 1]
    assert [numbers(left[0])[0], numbers(left[-1])[0]] == [values[0], values[-1]]
    for column, sign in ((0, 1), (1, -1)):
        kept = [numbers(r)[column] for r in left]
        assert (min(kept), max(kept)) == ((-60.0, 50.0) if sign > 0 else (-50.0, 60.0))
    steps = [r.step for r in left]
    assert steps == sorted(steps)
    assert thinned
    assert (thinned.rows, thinned.first) == (given_up, 1)
    assert max(b - a for a, b in pairwise(steps)) < 2 * thinned.factor


def test_what_is_old_is_coarser_than_what_is_new() -> None:
    overflow = Overflow(limit=400 * (ROW_BYTES + 8))
    for step in range(10_000):
        overflow.add(row(step, 1.0))
    steps = [r.step for r in drain(overflow)]

    gaps = [b - a for a, b in pairwise(steps)]
    assert sum(gaps[:50]) > 20 * sum(gaps[-50:])
    assert gaps[-1] == 1


def test_of_many_tables_the_largest_is_thinned_and_the_oldest_row_goes_first() -> None:
    overflow = Overflow(limit=100 * (ROW_BYTES + 8))
    for step in range(300):
        overflow.add(row(step, 1.0, table=step % 10 == 0, width=4))
    left = drain(overflow)

    assert [r.step for r in left] == sorted(r.step for r in left)
    assert len([r for r in left if r.table]) == 30


def test_tables_that_cannot_be_merged_give_up_their_oldest_rows() -> None:
    overflow = Overflow(limit=10 * (ROW_BYTES + 8))
    given_up = sum(overflow.add(row(step, 1.0, table=step)) for step in range(30))

    assert (given_up, len(overflow)) == (20, 10)
    assert overflow.size <= 10 * (ROW_BYTES + 8)


def test_a_row_that_is_too_large_by_itself_is_given_up() -> None:
    overflow = Overflow(limit=100)

    assert (overflow.add(row(1, 1.0)), len(overflow), overflow.size) == (1, 0, 0)
