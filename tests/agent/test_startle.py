"""A loss that stands out."""

import math
import random

import pytest

from ergoscope.startle import Startle


def test_a_spike_is_seen_and_the_next_one_too() -> None:
    startle, noise = Startle(), random.Random(0)
    quiet = [startle.at(1.0 + 0.1 * noise.gauss(0, 1)) for _ in range(300)]

    assert not any(quiet)
    assert startle.at(3.0)
    assert not startle.at(1.0)
    assert startle.at(5.0)


def test_nothing_stands_out_at_the_start_nor_of_equal_losses() -> None:
    startle = Startle()

    assert not any(startle.at(value) for value in [1.0, 100.0, *[2.0] * 40])
    still = Startle()
    assert not any(still.at(1.0) for _ in range(200))


def test_falling_and_missing_losses_do_not_stand_out() -> None:
    startle = Startle()

    assert not any(startle.at(10.0 * math.exp(-0.05 * step)) for step in range(300))
    assert not any(startle.at(value) for value in (math.nan, math.inf, -math.inf))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gaussian_noise_startles_nobody(seed: int) -> None:
    startle, noise = Startle(), random.Random(seed)

    # Beyond eight deviations lies 6e-16 of a normal distribution; the deviation itself is known to a tenth.
    assert not any(startle.at(noise.gauss(0, 1)) for _ in range(5_000))
