"""When a run counts as at the edge of stability, and when no longer."""

import numpy as np
import pytest

from ergoscope_server.indicators.edge import Edge, anew, batch_ratio, follow_edge, sharpness_now
from ergoscope_server.indicators.points import NOTHING, Points, points


def _every_ten(*ratios: float) -> Points:
    return points(np.arange(1, len(ratios) + 1) * 10, ratios)


def _after(*ratios: float) -> Edge:
    return follow_edge(Edge(), _every_ten(*ratios), step=10 * len(ratios))


@pytest.mark.parametrize(
    ("ratios", "since"),
    [
        ((), None),
        ((1.0,), None),
        ((0.5, 0.8, 1.2), 20),
        ((0.79, 0.79), None),
        ((1.21, 1.21), None),
        ((1.0, 0.5, 1.0, 0.5), None),
        ((1.0, 1.0, 0.5, 1.0), 10),
        ((1.0, 1.0, 0.5, 0.5), None),
        ((1.0, 1.0, 1.5, 1.4, 1.1, 1.0), 50),
        ((1.0, np.nan, 1.0), 10),
    ],
)
def test_two_readings_in_a_row_make_the_edge_and_two_unmake_it(ratios: tuple[float, ...], since: int | None) -> None:
    assert _after(*ratios).since == since


def test_one_look_at_a_time_comes_to_the_same_as_all_at_once() -> None:
    ratios = np.random.default_rng(0).uniform(0.6, 1.4, 200)
    edge, series = Edge(), _every_ten(*ratios)

    for step in range(7, 2001, 7):
        edge = follow_edge(edge, series, step=step)

    assert edge == follow_edge(Edge(), series, step=1995)


def test_a_reading_that_arrives_late_is_looked_at() -> None:
    early = follow_edge(Edge(), _every_ten(1.0), step=25)

    assert follow_edge(early, _every_ten(1.0, 1.0), step=50).since == 10


def test_readings_ten_gaps_old_say_nothing_of_now() -> None:
    series = _every_ten(1.0, 1.0)

    assert follow_edge(_after(1.0, 1.0), series, step=120).since == 10
    assert follow_edge(_after(1.0, 1.0), series, step=121).since is None


def test_after_a_change_the_edge_must_be_found_again() -> None:
    changed = anew(_after(1.0, 1.0))

    assert changed.since is None
    assert follow_edge(changed, _every_ten(1.0, 1.0), step=30).since is None
    assert follow_edge(changed, _every_ten(1.0, 1.0, 1.0, 1.0), step=40).since == 30


def test_what_a_resumed_run_lives_again_is_looked_at_again() -> None:
    assert anew(_after(1.0, 1.0, 1.0), upto=15).last == 15
    assert anew(_after(1.0), upto=15).last == 10


def test_the_newest_five_finite_readings_say_where_the_sharpness_is() -> None:
    now = sharpness_now(_every_ten(5.0, 0.9, 1.0, np.inf, 1.1, 0.8, 1.2))

    assert now is not None
    assert (now.value, now.low, now.high, now.n, now.step) == (1.0, 0.8, 1.2, 5, 70)
    assert sharpness_now(NOTHING) is None


def test_eight_batches_in_a_row_are_one_reading_against_two_over_the_rate_of_their_steps() -> None:
    sharp = points(np.arange(1, 21) * 10, np.repeat([20.0, 40.0, 1.0], [8, 8, 4]))
    lr = points([1, 81], [0.1, 0.05])

    found = batch_ratio(sharp, lr, held=1.0, after=0)

    assert found.steps.tolist() == [80, 160]
    assert found.values.tolist() == pytest.approx([1.0, 1.0])
    assert batch_ratio(sharp, lr, held=1.0, after=80).steps.tolist() == [160]
    assert batch_ratio(sharp, lr, held=1.9, after=0).values.tolist() == pytest.approx([1 / 1.9, 1 / 1.9])
    assert len(batch_ratio(sharp, lr, held=1.0, after=160)) == 0
    assert len(batch_ratio(sharp, NOTHING, held=1.0, after=0)) == 0
