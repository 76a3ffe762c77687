"""The gradient without noise: its level against the start, when it is there, and when it has vanished."""

import numpy as np
import pytest

from ergoscope_server.indicators.few import Few
from ergoscope_server.indicators.points import NOTHING, FloatArray, Points, points
from ergoscope_server.indicators.true_gradient import Peak, TrueGradient, follow_peak, true_gradient
from tests.reference.ar1 import SEEDS

RUNS = 200
START = Peak(start=[0.9] * 5, highest=0.9)


def _readings(square: float, n: int, *, seed: int, noise: float = 0.0111) -> FloatArray:
    """Ĝ² of eight parts of sixteen examples where ‖∇F‖² = square: its spread is that of a U-statistic."""
    return square + noise * np.random.default_rng(seed).normal(size=n)


def _series(values: FloatArray, first: int = 0) -> Points:
    return points(first + 10 * np.arange(len(values)), values)


@pytest.mark.known_answer("grad_debiased_level")
@pytest.mark.parametrize("seed", SEEDS)
def test_its_level_is_the_root_of_a_ratio_of_means_and_its_interval_covers_it(seed: int) -> None:
    covered = []
    for r in range(RUNS):
        draws = 1000 * seed + r
        peak = follow_peak(Peak(), _series(_readings(0.9, 5, seed=draws, noise=0.05)))
        found = true_gradient(_readings(0.09, 60, seed=draws + 500_000), peak)
        assert found is not None
        assert found.level is not None
        covered.append(found.level[1] <= 0.1**0.5 <= found.level[2])
        # 60 readings of .09 ± .0111 and five of .9 ± .05: relative errors .016 and .025, halved by the root.
        assert abs(found.level[0] - 0.1**0.5) < 5 * 0.1**0.5 / 2 * (0.016**2 + 0.025**2) ** 0.5

    assert np.mean(covered) > 0.93 - 4 * (0.93 * 0.07 / RUNS) ** 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_alone_is_hardly_ever_a_gradient_and_a_gradient_of_twenty_errors_is(seed: int) -> None:
    alone = [true_gradient(_readings(0.0, 30, seed=1000 * seed + r), START) for r in range(RUNS)]
    there = [true_gradient(_readings(20 * 0.0111 / 30**0.5, 30, seed=1000 * seed + r), START) for r in range(RUNS)]

    assert sum(found is not None and found.present() for found in alone) <= 1 + 4 * (0.00135 * RUNS) ** 0.5
    assert all(found is not None and found.present() for found in there)
    assert sum(found is not None and not found.sound for found in alone) <= 1 + 4 * (0.00135 * RUNS) ** 0.5


def test_what_was_there_stays_until_it_is_not_even_one_error_above_zero() -> None:
    weak = TrueGradient(Few(0.02, 0.01, 30.0, 40), None, 0.9)
    gone = TrueGradient(Few(0.005, 0.01, 30.0, 40), None, 0.9)

    assert (weak.present(), weak.present(before=True), gone.present(before=True)) == (False, True, False)


@pytest.mark.parametrize(
    ("mean", "error", "small", "vanished"),
    [
        (0.0024, 0.0001, True, True),
        (0.0026, 0.0001, False, False),  # 5.1 % of the highest
        (0.001, 0.01, True, False),  # its interval reaches beyond 10 %
        (-0.0001, 0.001, True, True),
        (-0.1, 0.001, True, False),  # no square lies there
    ],
)
def test_it_has_vanished_below_a_twentieth_with_an_interval_below_a_tenth(
    mean: float, error: float, small: bool, vanished: bool
) -> None:
    found = TrueGradient(Few(mean, error, 30.0, 40), (1.0, 0.1), 1.0)

    assert (found.small, found.vanished) == (small, vanished)


def test_squares_below_zero_beyond_chance_are_none() -> None:
    assert not TrueGradient(Few(-0.1, 0.001, 30.0, 40), (1.0, 0.1), 1.0).sound


def test_the_peak_remembers_the_start_and_the_highest_five_wherever_they_are_cut() -> None:
    values = np.concatenate((np.full(5, 2.0), [np.nan], np.full(10, 7.0), np.full(7, 1.0)))
    series = _series(values)
    whole = follow_peak(Peak(), series)
    pieces = Peak()
    for end in range(0, 10 * len(values), 30):
        pieces = follow_peak(pieces, series.upto(end))

    assert whole == follow_peak(pieces, series)
    assert (whole.start, whole.highest, whole.pending, whole.last) == ([2.0] * 5, 7.0, [1.0, 1.0], 220)
    assert follow_peak(whole, series) == whole
    assert follow_peak(Peak(), NOTHING) == Peak()


def test_one_odd_batch_makes_no_peak() -> None:
    assert follow_peak(Peak(), _series(np.array([1.0, 1.0, 1e6, 1.0, 1.0]))).highest == 1.0


def test_without_a_start_above_zero_there_is_no_level() -> None:
    few = true_gradient(_readings(0.09, 12, seed=1), Peak(start=[0.1, -0.2, 0.0, 0.1, -0.1]))
    unknown = true_gradient(_readings(0.09, 12, seed=1), Peak())

    assert few is not None
    assert unknown is not None
    assert (few.level, unknown.level) == (None, None)
    assert true_gradient(_readings(0.09, 11, seed=1), START) is None


def test_readings_without_spread_have_a_level_without_an_interval() -> None:
    found = true_gradient(np.full(12, 0.09), Peak(start=[0.36] * 5, highest=0.36))

    assert found is not None
    assert found.level == pytest.approx((0.5, 0.5, 0.5))
