"""A top eigenvalue that is followed."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos
from ergoscope.curvature.tracker import COLD, FEWEST, MOST, WARM, Tracker, needed
from tests.agent.curvature.matrices import five_on_a_bulk

SPECTRUM = torch.from_numpy(np.asarray(five_on_a_bulk()))
LIKE = torch.zeros(len(SPECTRUM), dtype=torch.float64)


class Turning:
    """The spectrum, its top vector turned by an angle within the plane of a further direction."""

    def __init__(self, angle: float) -> None:
        """Turn the first two of the eigenvectors."""
        c, s = math.cos(angle), math.sin(angle)
        self.top = torch.zeros_like(LIKE)
        self.top[0], self.top[-1] = c, s
        self.other = torch.zeros_like(LIKE)
        self.other[0], self.other[-1] = -s, c

    def __call__(self, vector: Tensor) -> Tensor:
        """Av."""
        out = SPECTRUM * vector
        out[0] = out[-1] = 0.0
        return out + SPECTRUM[0] * (self.top @ vector) * self.top + SPECTRUM[-1] * (self.other @ vector) * self.other


def test_a_top_vector_that_turns_is_followed_with_few_products() -> None:
    tracker = Tracker(seed=0)

    found = [tracker.read(tracker.measure(Turning(0.1 * reading), LIKE).tolist()) for reading in range(20)]

    assert found[0].products == COLD
    assert all(1 <= top.products <= MOST for top in found[1:])
    assert np.mean([top.products for top in found[1:]]) <= 2.0
    assert all(top.value <= 50.0 + 1e-9 for top in found)  # a Ritz value is never above
    assert np.mean([top.value for top in found]) == pytest.approx(50.0, rel=0.01)
    assert all(abs(top.value - 50.0) <= top.residual + 1e-9 for top in found if top.residual < 15.0)
    assert all(top.lowest >= float(SPECTRUM.min()) - 1e-9 for top in found)


def test_what_the_gradient_shows_is_found_at_once_though_the_track_holds_nothing_of_it() -> None:
    def value(gradient: Tensor) -> float:
        tracker, other = Tracker(seed=0, least=2), SPECTRUM.flip(0)  # its top vector is the one that was last
        for _ in range(4):
            tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())
        return tracker.read(tracker.measure(lambda v: other * v, gradient).tolist()).value

    steep = torch.zeros_like(LIKE)
    steep[-1] = 1e-3

    assert value(LIKE) < 40.0
    assert value(steep) == pytest.approx(50.0, rel=0.01)


def test_a_value_of_one_product_that_has_fallen_makes_the_next_reading_search() -> None:
    tracker, other = Tracker(seed=0), SPECTRUM.flip(0)  # its top vector is the one that was last
    for _ in range(4):
        tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    lost, found = (tracker.read(tracker.measure(lambda v: other * v, LIKE).tolist()) for _ in range(2))

    assert (lost.products, found.products) == (1, MOST)
    assert lost.value < 1.0 and lost.residual < 1.0  # near to an eigenvalue, which is far down now
    assert found.value == pytest.approx(50.0, rel=0.01)


def test_a_large_residual_of_one_product_makes_the_next_reading_search() -> None:
    tracker = Tracker(seed=0)
    for _ in range(3):
        tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    lost = tracker.read(tracker.measure(lambda v: SPECTRUM * v + 30.0 * v.roll(1), LIKE).tolist())
    found = tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    assert (lost.products, found.products) == (1, MOST)
    assert lost.residual > 0.5 * lost.value > 0.8 * 0.5 * 50.0


@pytest.mark.parametrize(
    ("direction", "expected"),
    [([0.0, 8.0], [0.8, 0.6]), ([0.0, 0.0], [1.0, 0.0]), ([math.nan, 1.0], [1.0, 0.0]), ([math.inf, 1.0], [1.0, 0.0])],
)
def test_a_start_leans_towards_a_direction_that_is_one(direction: list[float], expected: list[float]) -> None:
    lanczos = Lanczos(torch.tensor([5.0, 0.0]), keep=True)

    lanczos.lean(torch.tensor(direction), 0.75)
    lanczos.step(lambda v: v)

    assert lanczos.basis[0].tolist() == pytest.approx(expected)


def test_where_nothing_moves_one_product_a_reading_is_enough_and_now_and_then_that_is_seen_to() -> None:
    tracker = Tracker(seed=0)

    found = [tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist()) for _ in range(30)]

    until_search = [COLD, WARM, *3 * [1, 1, 1, FEWEST], 1, 1]
    assert [top.products for top in found] == [*until_search, MOST, *3 * [1, 1, 1, FEWEST], 1]
    assert all(top.value == pytest.approx(50.0, rel=1e-3) for top in found[3:])


def test_a_reading_takes_one_product_more_than_the_last_one_needed() -> None:
    tracker, drawn = Tracker(seed=0), torch.Generator().manual_seed(0)
    asked, taken = [], []

    for _ in range(9):  # each of another operator, so that some need more and some less
        spectrum = SPECTRUM[torch.randperm(len(SPECTRUM), generator=drawn)]
        values = tracker.measure(lambda v, spectrum=spectrum: spectrum * v, LIKE).tolist()
        half = len(values) // 2
        asked.append(min(max(needed(values[:half], values[half:]) + 1, FEWEST), MOST))
        taken.append(tracker.read(values).products)

    assert taken[:2] == [COLD, WARM]
    assert taken[2:] == asked[1:-1]
    assert len(set(taken[2:])) > 1


def test_what_is_needed_is_judged_by_all_products() -> None:
    run = Lanczos.random(len(SPECTRUM), seed=3, keep=True, dtype=torch.float64)
    for _ in range(12):
        run.step(lambda v: SPECTRUM * v)
    alphas, betas = run.coefficients().tolist()

    products = needed(alphas, betas)

    tops = [np.linalg.eigvalsh(tridiagonal(alphas[:k], betas[: k - 1]))[-1] for k in range(1, 13)]
    assert tops[products - 1] >= 0.98 * tops[-1] > tops[products - 2]
    assert needed([-3.0, -1.0], [0.0, 1.0]) == 1  # the start was an eigenvector, and all there is
    assert needed([math.nan, 1.0], [1.0, 1.0]) == 2


def test_what_overtakes_the_track_without_a_trace_of_it_is_found_within_sixteen_readings() -> None:
    tracker, calm = Tracker(seed=0), SPECTRUM.clone()
    for _ in range(4):
        tracker.read(tracker.measure(lambda v: calm * v, LIKE).tolist())
    risen = calm.clone()
    risen[700] = 75.0

    values = [tracker.read(tracker.measure(lambda v: risen * v, LIKE).tolist()).value for _ in range(14)]

    assert values[-1] == pytest.approx(75.0, rel=0.01)


def tridiagonal(alphas: list[float], betas: list[float]) -> NDArray[np.float64]:
    return np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1)


def test_while_nothing_moves_the_residual_shrinks() -> None:
    tracker = Tracker(seed=0)
    residuals = [tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist()).residual for _ in range(6)]

    assert residuals[-1] < 0.05 * 50.0


def test_another_number_of_entries_begins_anew() -> None:
    tracker = Tracker(seed=0)
    tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    top = tracker.read(tracker.measure(lambda v: SPECTRUM[:500] * v, LIKE[:500]).tolist())

    assert top.products == COLD


def test_numbers_that_are_none_begin_anew() -> None:
    tracker = Tracker(seed=0)

    lost = tracker.read(tracker.measure(lambda v: v * math.nan, LIKE).tolist())
    found = tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    assert math.isnan(lost.value)
    assert found.products == COLD
    assert found.value == pytest.approx(50.0, rel=0.01)


def test_a_reading_that_comes_after_the_next_one_does_not_lead_astray() -> None:
    tracker = Tracker(seed=0)
    early = tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist()
    late = tracker.measure(lambda v: -SPECTRUM * v, LIKE).tolist()

    tops = tracker.read(early), tracker.read(late)
    after = tracker.read(tracker.measure(lambda v: -SPECTRUM * v, LIKE).tolist())

    assert [top.products for top in tops] == [COLD, COLD]
    assert tops[0].value == pytest.approx(50.0, rel=0.01)
    assert after.value >= tops[1].value - 1e-9


def test_between_readings_one_vector_is_kept() -> None:
    tracker = Tracker(seed=0)

    tracker.read(tracker.measure(lambda v: SPECTRUM * v, LIKE).tolist())

    assert tracker._run is None
    assert tracker._next is not None
    assert tracker._next.basis == []


def test_a_track_that_is_read_rarely_may_begin_with_fewer_products_and_rises_from_reading_to_reading() -> None:
    spread = torch.linspace(0.0, 1.0, 400)
    tracker = Tracker(seed=0)

    tops = [tracker.read(tracker.measure(lambda v: spread * v, torch.zeros(400), cold=MOST).tolist()) for _ in range(9)]

    assert tops[0].products == MOST
    assert [a.value <= b.value + 1e-6 for a, b in pairwise(tops)].count(True) >= 6
    assert tops[0].value < 0.97 < tops[-1].value <= 1 + 1e-6


def test_no_more_products_than_entries() -> None:
    diagonal = torch.tensor([5.0, 1.0, 0.5])
    tracker = Tracker(seed=0)

    top = tracker.read(tracker.measure(lambda v: diagonal * v, torch.zeros(3)).tolist())

    assert top.products == 3
    assert top.value == pytest.approx(5.0, rel=1e-5)
