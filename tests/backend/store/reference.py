"""The store as plain lists: what every answer must agree with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ergoscope_server.store.series import SeriesData


@dataclass
class Lists:
    """Every point ever given of one series, by attempt, in the order it came."""

    points: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def add(self, attempt: int, points: Iterable[tuple[int, float]]) -> None:
        """Take points in."""
        self.points.setdefault(attempt, []).extend(points)

    def shown(self, first: int, last: int) -> list[tuple[int, float]]:
        """Every point a chart may show: replaced ones too, but none that a newer attempt has overtaken."""
        found: list[tuple[int, float]] = []
        for attempt in sorted(self.points):
            start = min(step for step, _ in self.points[attempt])
            found = [point for point in found if point[0] < start] + self.points[attempt]
        return [point for point in found if first <= point[0] <= last]

    def settled(self, first: int, last: int) -> tuple[list[int], list[float]]:
        """The newest point of each step."""
        newest = dict(self.shown(first, last))
        steps = sorted(newest)
        return steps, [newest[step] for step in steps]


def same(left: Iterable[float], right: Iterable[float]) -> bool:
    """Whether two lists hold the same numbers to the bit, NaN like NaN."""
    return np.array_equal(np.array(list(left), float), np.array(list(right), float), equal_nan=True)


def check_points(answer: SeriesData, reference: Lists, first: int, last: int) -> None:
    """Assert that an answer at full resolution is the newest point of each step."""
    steps, values = reference.settled(first, last)
    assert answer.cells is None
    assert answer.points.steps.tolist() == steps
    assert same(answer.points.values.tolist(), values)


def check_buckets(answer: SeriesData, reference: Lists, first: int, last: int, most: int) -> None:
    """Assert that buckets hold each shown point once, and no other's extremes."""
    cells = answer.cells
    assert cells is not None
    assert 0 < len(cells) <= most
    shown, (steps, values) = reference.shown(first, last), reference.settled(first, last)
    assert len(steps) <= int(cells.count.sum()) <= len(shown)
    assert cells.first.min() == steps[0]
    assert cells.last.max() == steps[-1]
    assert same([cells.final[cells.last == steps[-1]][-1]], [values[-1]])
    finite = [value for _, value in shown if math.isfinite(value)]
    newest = [value for value in values if math.isfinite(value)]
    assert int(cells.nonfinite.sum()) <= len(shown) - len(finite)
    assert int(cells.nonfinite.sum()) >= len(steps) - len(newest)
    if newest:
        assert min(finite) <= np.nanmin(cells.low) <= min(newest)
        assert max(newest) <= np.nanmax(cells.high) <= max(finite)
    assert bool((np.isnan(cells.mean) == (cells.count == cells.nonfinite)).all())
    some = ~np.isnan(cells.mean)
    # A weighted mean of n numbers errs by at most about n units in the last place of the largest of them.
    slack = 1e-12 * np.maximum(np.abs(cells.low), np.abs(cells.high))[some]
    with np.errstate(over="ignore"):
        assert bool((cells.mean[some] >= cells.low[some] - slack).all())
        assert bool((cells.mean[some] <= cells.high[some] + slack).all())
