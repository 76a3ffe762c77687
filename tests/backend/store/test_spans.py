"""Which rows a range of chunks is read from."""

from hypothesis import given
from hypothesis import strategies as st

from ergoscope_server.store.pyramid import chunks_in_row
from ergoscope_server.store.spans import FINEST, cover, level_for


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 4), st.integers(0, 100))
def test_each_chunk_is_covered_once_by_rows_that_exist(low: int, n: int, level: int, more: int) -> None:
    high = low + n
    chunks = high + more

    covered: list[int] = []
    for at, start, end in cover(low, high, level, chunks):
        width = chunks_in_row(at) if at > FINEST else 1
        assert end * width <= chunks
        covered.extend(range(start * width, end * width))

    assert sorted(covered) == list(range(low, high))


@given(st.integers(1, 10**9), st.integers(1, 20_000))
def test_the_level_leaves_at_least_two_cells_a_bucket(points: int, buckets: int) -> None:
    level = level_for(points, buckets)

    assert level == FINEST or points // (64 * 16 ** (level - 1)) >= 2 * buckets


def test_ten_million_points_in_a_thousand_buckets_are_read_from_the_second_level() -> None:
    assert level_for(10_000_000, 1_000) == 2
