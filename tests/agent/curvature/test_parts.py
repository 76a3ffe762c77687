"""One vector of many tensors."""

import pytest
import torch

from ergoscope.curvature.parts import join, split

SHAPES = [torch.zeros(2, 3), torch.zeros(()), torch.zeros(4, dtype=torch.bfloat16)]


def test_what_is_split_is_joined_again() -> None:
    vector = torch.arange(11.0)

    parts = split(vector, SHAPES)

    assert [tuple(p.shape) for p in parts] == [(2, 3), (), (4,)]
    assert torch.equal(join(parts, SHAPES), vector)


def test_halves_are_widened_and_nothing_is_zeros() -> None:
    joined = join([None, None, torch.ones(4, dtype=torch.bfloat16)], SHAPES)

    assert joined.dtype == torch.float32
    assert joined.tolist() == [0.0] * 7 + [1.0] * 4


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vector has shape \(3,\); the parameters need \(11,\)"):
        split(torch.zeros(3), SHAPES)
