"""Directions for slices."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.axes import layer_normalised, orthonormal, settled
from ergoscope.curvature.lanczos import ritz
from ergoscope.curvature.parts import split


def test_parts_of_layers_are_as_long_as_their_weights_and_all_is_orthonormal() -> None:
    weights = [torch.full((40, 50), 0.1), torch.zeros(50), torch.linspace(-3, 3, 30)]

    first, second = layer_normalised(weights, [0, 1])

    whole = torch.cat([w.flatten() for w in weights]).norm()
    for axis in (first, second):
        lengths = [float(part.norm()) for part in split(axis, weights)]
        assert lengths == pytest.approx([float(w.norm() / whole) for w in weights], rel=1e-6)
    assert [float(axis.norm()) for axis in (first, second)] == pytest.approx([1.0, 1.0], rel=1e-6)
    assert abs(float(first @ second)) < 1e-6  # sums of 2030 products of a thousandth, in fp32


def test_equal_seeds_give_equal_directions_and_others_others() -> None:
    weights = [torch.ones(7), torch.ones(2, 3)]

    (one,), (again,), (other,) = (layer_normalised(weights, [seed]) for seed in (3, 3, 4))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_directions_are_in_the_weights_own_precision_but_never_in_half() -> None:
    kinds = [layer_normalised([torch.ones(4, dtype=dtype)], [0])[0].dtype for dtype in (torch.float64, torch.bfloat16)]

    assert kinds == [torch.float64, torch.float32]


def test_what_lies_along_an_axis_before_has_no_length() -> None:
    first, second = orthonormal([torch.tensor([3.0, 4.0]), torch.tensor([-6.0, -8.0])])

    assert first.tolist() == pytest.approx([0.6, 0.8])
    assert second.tolist() == [0.0, 0.0]


def test_a_run_of_lanczos_is_settled_when_its_top_vectors_are() -> None:
    alphas, betas = [10.0, 5.0, 1.0], np.array([1.0, 0.5, 0.0])

    assert settled(ritz(alphas, betas), 2)
    assert not settled(ritz(alphas[:2], betas[:2]), 2)  # the second is off by up to .49, a twentieth of the first
    assert settled(ritz(alphas[:2], [1.0, 0.1]), 2)
    assert not settled(ritz([10.0], [0.0]), 2)  # there is no second


def test_products_that_are_no_numbers_settle_nothing() -> None:
    assert not settled(ritz([np.nan], [np.nan]), 1)
