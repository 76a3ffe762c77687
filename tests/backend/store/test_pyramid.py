"""Cells and the pyramid over a million points, against numpy on the points themselves."""

import numpy as np
import pytest

from ergoscope_server.store.cells import cells_of, gather, join_cells
from ergoscope_server.store.points import Points
from ergoscope_server.store.pyramid import base, cell_size, rise, unpack_rows


def _values(n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.random.default_rng(0).standard_normal(n)
    values[::97] = np.nan
    values[5::1013] = np.inf
    return values


def test_every_level_holds_what_its_points_hold() -> None:
    n = 1024 * 16 * 16
    values = _values(n)
    rows = base(Points(np.arange(n), values))

    levels = {1: dict(enumerate(rows))}
    for level, block, row in rise(levels[1], lambda level, low, high: {}):
        levels.setdefault(level, {})[block] = row

    assert {level: len(made) for level, made in levels.items()} == {1: 256, 2: 16, 3: 1}
    for level, made in levels.items():
        cells = unpack_rows([made[block] for block in sorted(made)], level)
        points = values.reshape(-1, cell_size(level))
        known = np.where(np.isfinite(points), points, np.nan)
        assert np.array_equal(cells.low, np.nanmin(known, axis=1))
        assert np.array_equal(cells.high, np.nanmax(known, axis=1))
        # Two ways to add n numbers differ by at most about n units in the last place of their sum of magnitudes.
        assert np.allclose(cells.mean, np.nanmean(known, axis=1), rtol=0, atol=cell_size(level) * 1e-16 * 5)
        assert np.array_equal(cells.nonfinite, (~np.isfinite(points)).sum(axis=1))
        assert np.array_equal(cells.final, points[:, -1], equal_nan=True)
        assert np.array_equal(cells.first, np.arange(0, n, cell_size(level)))


def test_rows_of_a_level_are_made_when_the_last_below_them_is_there() -> None:
    rows = base(Points(np.arange(1024 * 20), np.zeros(1024 * 20)))
    there = dict(enumerate(rows[:15]))
    asked: list[tuple[int, int, int]] = []

    def read(level: int, low: int, high: int) -> dict[int, bytes]:
        asked.append((level, low, high))
        return there

    made = list(rise(dict(enumerate(rows[15:], 15)), read))

    assert asked == [(1, 0, 15)]
    assert [(level, block) for level, block, _ in made] == [(2, 0)]


def test_numbers_near_the_largest_have_a_mean_and_not_infinity() -> None:
    cells = gather(cells_of(Points(np.arange(4), np.full(4, 1.7e308))), 1)

    assert cells.mean[0] == pytest.approx(1.7e308)


def test_a_stretch_without_a_finite_value_says_so() -> None:
    cells = gather(cells_of(Points(np.arange(3), np.array([np.nan, np.inf, -np.inf]))), 1)

    assert np.isnan([cells.low[0], cells.high[0], cells.mean[0]]).all()
    assert (cells.count[0], cells.nonfinite[0], cells.final[0]) == (3, 3, -np.inf)


def test_steps_at_both_ends_of_what_is_allowed_can_be_charted() -> None:
    steps = np.array([-(2**62), 0, 2**62])

    cells = gather(cells_of(Points(steps, np.arange(3.0))), 2)

    assert len(cells) == 2
    assert int(cells.count.sum()) == 3


def test_buckets_never_exceed_what_was_asked_and_are_in_step_order() -> None:
    random = np.random.default_rng(1)
    parts = [cells_of(Points(np.sort(random.integers(0, 10_000, 3_000)), random.random(3_000))) for _ in range(3)]

    cells = gather(join_cells(parts), 100)

    assert len(cells) == 100
    assert (np.diff(cells.first) > 0).all()
    assert int(cells.count.sum()) == 9_000
