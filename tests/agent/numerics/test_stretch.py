"""Largest singular values that are known, from power iteration."""

import math

import pytest
import torch

from ergoscope.numerics.stretch import first_direction, stretch_of


def test_it_is_never_too_large_and_as_near_as_theory_promises() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(60, 90)
    truth = float(torch.linalg.matrix_norm(matrix.double(), 2))

    direction = first_direction(matrix)
    for rounds in (5, 10, 20, 40):  # each goes on where the last one ended
        value, direction = stretch_of(matrix, direction, rounds=rounds)

        # From a random start the squares differ by .871 log n / (k - 1) on average.
        assert truth**2 * (1 - 0.871 * math.log(90) / (rounds - 1)) <= float(value) ** 2 <= truth**2 * (1 + 1e-6)


def test_with_a_gap_the_error_falls_by_its_fourth_power_a_round() -> None:
    matrix = torch.diag(torch.tensor([2.0, 1.0]))
    start = torch.tensor([1.0, 1.0]) / 2**0.5

    after = [2.0 - float(stretch_of(matrix.double(), start.double(), rounds=k)[0]) for k in (2, 3)]

    # (16^k 4 + 1) / (16^k + 1) under the root.
    assert after == pytest.approx([2 - ((16**k * 4 + 1) / (16**k + 1)) ** 0.5 for k in (2, 3)], rel=1e-9)


def test_a_matrix_that_grows_is_followed() -> None:
    matrix = torch.diag(torch.tensor([3.0, 1.0, 0.5]))
    _, direction = stretch_of(matrix, first_direction(matrix), rounds=20)

    value, _ = stretch_of(2 * matrix, direction, rounds=1)

    assert float(value) == pytest.approx(6.0, rel=1e-6)


def test_zeros_stretch_nothing_and_leave_the_direction() -> None:
    value, direction = stretch_of(torch.zeros(2, 2), torch.tensor([0.6, 0.8]), rounds=3)

    assert float(value) == 0.0
    assert direction.tolist() == pytest.approx([0.6, 0.8])


def test_the_first_direction_takes_nothing_from_the_global_generator() -> None:
    before = torch.random.get_rng_state()

    one, other = first_direction(torch.zeros(2, 5)), first_direction(torch.ones(3, 5))

    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one, other)
    assert float(one.norm()) == pytest.approx(1.0)


def test_no_rounds_are_refused_with_the_number_seen() -> None:
    with pytest.raises(ValueError, match="rounds is 0; it must be at least 1"):
        stretch_of(torch.ones(1, 1), torch.ones(1), rounds=0)
