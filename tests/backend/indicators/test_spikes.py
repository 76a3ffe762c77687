"""Jumps of the loss are counted, and those it came back from."""

import numpy as np
import pytest
from scipy.stats import t

from ergoscope_server.indicators.points import FloatArray
from ergoscope_server.indicators.spikes import Spikes, find_spikes
from tests.reference.ar1 import SEEDS, ar1, student

JUMPS = (700, 1500, 2333)


def _jumping(*, seed: int, phi: float, lasting: int) -> FloatArray:
    values = 1 + 0.05 * ar1(phi, 4000, seed=seed)
    for at in JUMPS:
        values[at : at + lasting] += 2.0
    return values


@pytest.mark.known_answer("spike_count")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_jumps_are_counted_each_once_at_their_step(seed: int, phi: float) -> None:
    found = find_spikes(_jumping(seed=seed, phi=phi, lasting=3))

    assert found == Spikes(JUMPS, 3, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_jumps_are_seen_in_noise_of_long_memory(seed: int) -> None:
    assert set(JUMPS) <= set(find_spikes(_jumping(seed=seed, phi=0.9, lasting=3)).starts)


@pytest.mark.parametrize(("phi", "rate"), [(0.0, 1e-5), (0.5, 1e-5), (0.9, 5e-5), (0.99, 4e-4)])
def test_without_heavy_tails_noise_makes_next_to_none(phi: float, rate: float) -> None:
    """Measured a point: 0, 3e-6, 3e-5, 3e-4. At .99 the 200 points before hold one independent value."""
    count = sum(len(find_spikes(ar1(phi, 10_000, seed=r)).starts) for r in range(10))

    assert count <= 1e5 * rate + 4 * (1e5 * rate) ** 0.5


def test_heavy_tails_make_about_one_in_a_thousand() -> None:
    counts = [len(find_spikes(student(10_000, seed=r)).starts) for r in range(10)]

    quartile = float(t.ppf(0.75, 3))  # the median absolute deviation
    alone, twice = (float(t.sf(z * 1.4826 * quartile, 3)) for z in (8.0, 5.0))
    expected = alone + 4 * twice**2  # and some more, as the scale of 200 points is uncertain
    assert abs(sum(counts) / 1e5 - expected) < 0.2 * expected + 4 * (expected / 1e5) ** 0.5


def _two_weights(rate: float, *, n: int) -> FloatArray:
    """Losses of gradient descent on ½(uv)² from a curvature of 1: Lewkowycz et al."""
    u, v = 0.01, 1.0
    losses = []
    for _ in range(n):
        losses.append(0.5 * (u * v) ** 2)
        u, v = u - rate * u * v * v, v - rate * v * u * u
    return np.array(losses)


@pytest.mark.known_answer("catapult_count")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_catapult_comes_back_and_a_loss_that_stays_up_does_not_count(seed: int) -> None:
    flight = _two_weights(2.7, n=100)
    assert flight.max() > 100 * flight[0]  # ηλ = 2.7: the loss jumps
    assert flight[-1] < 1e-6  # and vanishes
    rest = 1 + 0.02 * ar1(0.3, 1000, seed=seed)
    thrown = np.concatenate((rest, rest[:100] + 2 * flight / flight.max(), rest))
    stays = np.concatenate((rest, rest + 1.0))

    assert find_spikes(thrown).recovered == len(find_spikes(thrown).starts) == 1
    assert (len(find_spikes(stays).starts), find_spikes(stays).recovered) == (1, 0)


def test_what_happened_just_now_is_left_open() -> None:
    values = 1 + 0.02 * ar1(0.3, 650, seed=1)
    values[600:] += 5.0

    assert find_spikes(values) == Spikes((600,), 0, 1)


def test_two_high_ones_within_three_are_a_jump_and_one_is_not() -> None:
    values = np.tile([0.0, 1.0, -1.0, 2.0, -2.0], 100)  # median 0, MAD 1
    once, twice = values.copy(), values.copy()
    once[300] = 6 * 1.4826
    twice[[300, 302]] = 6 * 1.4826

    assert find_spikes(once).starts == ()
    assert find_spikes(twice).starts == (300,)


def test_too_few_losses_have_none() -> None:
    assert find_spikes(np.ones(249)) == Spikes((), 0, 0)
