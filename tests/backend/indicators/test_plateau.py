"""All tests together: what they say of noise, of decays, and of slow trends."""

from collections.abc import Callable

import numpy as np
import pytest

from ergoscope_server.indicators.plateau import PlateauEvidence, reweigh, weigh
from tests.reference.ar1 import SEEDS, ar1, memory, settling

RUNS = 60


@pytest.mark.known_answer("plateau_state")
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_about_a_level_has_settled_and_a_falling_level_has_not(seed: int) -> None:
    settled = falling = 0
    for r in range(RUNS):
        noise = 0.1 * ar1(0.5, 6000, seed=1000 * seed + r)
        settled += weigh(1 + noise, seed=r).agree
        falling += weigh(1 - 2e-5 * np.arange(6000) + noise, seed=r).agree

    # Tests at 5 % and 1 %, less what cutting forgives: 92 % agree. A fall of 2 % in 1,000 steps is 15 errors.
    assert settled / RUNS > 0.92 - 4 * (0.92 * 0.08 / RUNS) ** 0.5
    assert falling == 0


def test_a_steady_fall_of_one_percent_is_seldom_taken_for_the_tail_of_a_transient() -> None:
    agree = sum(weigh(1 - 1e-5 * np.arange(6000) + 0.1 * ar1(0.5, 6000, seed=r), seed=r).agree for r in range(RUNS))

    # The newest half knows its slope to 0.36 of the whole's: it seems flatter beyond chance in 5-10 % of runs.
    assert agree / RUNS < 0.1 + 4 * (0.1 * 0.9 / RUNS) ** 0.5


@pytest.mark.parametrize(("phi", "noise"), [(0.0, 0.3), (0.5, 0.2), (0.9, 0.05)])
def test_what_is_settled_is_not_called_falling(phi: float, noise: float) -> None:
    found = [weigh(1 + noise * ar1(phi, 5000, seed=r), seed=r) for r in range(RUNS)]

    # Two looks at 0.15 % each; four Poisson errors of an expected count of a half.
    assert sum(f.falling for f in found) <= 0.5 + 4 * 0.5**0.5


def test_a_short_stretch_is_never_called_settled() -> None:
    assert not weigh(1 + 1e-3 * ar1(0.0, 900, seed=1), seed=0).agree


def test_a_stretch_of_a_thousand_steps_counts_steps_and_not_points() -> None:
    assert weigh(1 + 1e-3 * ar1(0.0, 500, seed=1), seed=0, step=10).agree


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tail_of_a_transient_is_cut_until_the_tests_agree(seed: int) -> None:
    values = settling(6000, level=1.0, height=4.0, time=300.0) + 0.1 * ar1(0.3, 6000, seed=seed)

    found = weigh(values, seed=0)

    assert found.agree
    assert 1000 <= 6000 - found.n <= 3000
    assert found.mean is not None
    assert (
        abs(found.mean.mean - 1.0) < 4 * (memory(0.3) / found.n) ** 0.5 * 0.1 + 4 * np.exp(-1000 / 300) * 300 / found.n
    )


@pytest.mark.parametrize("time", [50.0, 100.0, 200.0, 500.0])
def test_a_fast_decay_is_seen_to_fall_within_four_hundred_steps(time: float) -> None:
    values = settling(400, level=0.4, height=1.9, time=time) * (1 + 0.02 * ar1(0.3, 400, seed=1))

    assert weigh(values, seed=0).falling


@pytest.mark.parametrize("n", [1000, 4000, 10_000])
def test_a_smooth_curve_falls_however_far_an_interval_of_its_slope_is_away(n: int) -> None:
    values = 1 / (1 + np.arange(n) / 200)  # as full batches go down, without noise

    found = weigh(values, seed=0)

    assert found.trend is None
    assert found.falling
    assert not found.agree


def test_a_slow_fall_is_found_in_the_longest_window() -> None:
    values = settling(10_000, level=0.4, height=1.9, time=10_000.0) * (1 + 0.2 * ar1(0.3, 10_000, seed=1))

    found = weigh(values, seed=0)

    assert found.falling
    assert not found.agree


def test_a_rise_is_told_from_a_fall() -> None:
    found = weigh(1 + 1e-4 * np.arange(3000) + 0.05 * ar1(0.3, 3000, seed=1), seed=0)

    assert found.rising
    assert not found.falling


def test_a_loss_without_noise_settles_once_it_spans_half_a_percent() -> None:
    falls, rests = settling(1200, level=0.3, height=2.0, time=300.0), settling(6000, level=0.3, height=2.0, time=300.0)

    assert not weigh(falls, seed=0).agree
    assert weigh(rests, seed=0).agree


def test_strong_noise_is_undecided_and_says_how_many_points_it_needs() -> None:
    found = weigh(1 + 1.0 * ar1(0.9, 5000, seed=2), seed=0)

    assert not (found.agree or found.falling or found.rising)
    # The error alone: (1.96 sqrt(12 · 19) / (20 · 0.005))² = 87,600, or (… · 1000 / 0.005)^(2/3) = 32,700, the smaller.
    assert found.need == pytest.approx(32_700, rel=0.25)


def test_a_plateau_that_changes_its_level_is_not_excused_by_cutting() -> None:
    values = 1 + 0.05 * ar1(0.3, 6000, seed=1)
    values[4000:] += 0.03

    found = reweigh(values, seed=0)

    assert found.n == 6000
    assert found.broken


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_trace_of_a_transient_does_not_end_a_plateau(seed: int) -> None:
    # Half a standard deviation is left, as MSER-5 leaves it.
    values = settling(8000, level=1.0, height=0.025, time=300.0) + 0.05 * ar1(0.3, 8000, seed=seed)

    assert not any(reweigh(values[:n], seed=n).broken for n in range(2000, 8001, 500))


def test_a_plateau_is_not_left_because_one_of_many_looks_at_its_newer_part_is_odd() -> None:
    # A transient of half a standard deviation is left at the start, and looks are taken every 25 steps.
    values = settling(4000, level=1.0, height=0.025, time=300.0) + 0.05 * ar1(0.3, 4000, seed=4)

    assert not any(reweigh(values[:n], seed=n).broken for n in range(2000, 4001, 25))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plateau_that_turns_out_to_fall_ends(seed: int) -> None:
    values = 1 - 1e-5 * np.arange(8000) + 0.1 * ar1(0.3, 8000, seed=seed)

    assert reweigh(values, seed=0).broken


@pytest.mark.parametrize("judge", [weigh, reweigh])
def test_too_few_values_are_refused(judge: Callable[..., PlateauEvidence]) -> None:
    with pytest.raises(ValueError, match="399 values; a plateau is judged from 400 on"):
        judge(np.zeros(399), seed=0)
