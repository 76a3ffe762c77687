"""Angles and products out of three lengths."""

import math

import pytest
import torch
from torch import Tensor

from ergoscope.numerics.norms import norms_of
from ergoscope.numerics.triangle import product_with_move, rms_without_decay, turn


def lengths(*tensors: Tensor) -> list[float]:
    return [n.item() for n in norms_of(list(tensors), torch.float32)]


@pytest.mark.parametrize("size", [200, 1 << 20])
@pytest.mark.parametrize("angle", [1e-4, 1e-3, 1.0])
def test_a_small_angle_survives_norms_in_fp32(size: int, angle: float) -> None:
    torch.manual_seed(0)
    weights = torch.randn(size, dtype=torch.float64)
    across = torch.randn(size, dtype=torch.float64)
    across -= weights * (weights @ across) / (weights @ weights)
    across *= weights.norm() / across.norm()
    before, after = weights.float(), (math.cos(angle) * weights + math.sin(angle) * across).float()

    read = turn(*lengths(before, after, after - before))

    # Entries are rounded to 2^-24 of themselves, which turns by 2^-24 at most; norms that err by e of the weights'
    # norm take e^2 / 2 a^2 of the angle. e is some 1e-6 for a million entries: torch adds them up in fp32.
    e = 1e-6
    assert read == pytest.approx(angle, rel=(e / angle) ** 2, abs=2**-24 + 1e-4 * angle)


def test_an_angle_without_direction_is_not_a_number() -> None:
    assert math.isnan(turn(0.0, 1.0, 1.0))
    assert math.isnan(turn(1.0, 0.0, 1.0))
    assert math.isnan(turn(1.0, math.inf, math.inf))
    assert math.isnan(turn(1.0, math.nan, 1.0))


def test_moves_along_the_weights_do_not_turn_them() -> None:
    assert turn(1.0, 1.5, 0.5) == 0.0
    assert turn(1.0, 1.5, 0.49999) == 0.0  # rounding: no triangle has such sides
    assert turn(1.0, 1.0, 2.0) == pytest.approx(math.pi)


def test_the_product_stays_within_what_the_lengths_allow() -> None:
    assert product_with_move(1.0, 1.5, 0.25) == 0.25
    assert product_with_move(1.0, 0.5, 0.25) == -0.25


def test_decay_is_taken_off_a_step() -> None:
    torch.manual_seed(0)
    weights, step = torch.randn(1000, dtype=torch.float64), torch.randn(1000, dtype=torch.float64)
    move = -0.1 * (step + 0.5 * weights)
    before, after, moved = (float(t.norm()) for t in (weights, weights + move, move))

    read = rms_without_decay(before, after, moved, rate=0.1, decay=0.5, entries=1000)

    assert read == pytest.approx(float(step.square().mean() ** 0.5), rel=1e-12)
    assert math.isnan(rms_without_decay(before, math.inf, moved, rate=0.1, decay=0.5, entries=1000))
