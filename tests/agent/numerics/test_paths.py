"""Sums over paths that can be counted by hand."""

import math

import pytest
import torch

from ergoscope.numerics.paths import log_paths


def test_every_path_counts_with_the_size_of_its_weights() -> None:
    first, second = torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([[-1.0, 1.0], [4.0, 0.5]])

    # Into the middle 1 + 2 and 3; from there 1 + 4 and 1 + .5.
    assert float(log_paths([first, second])) == pytest.approx(math.log(3 * 5 + 3 * 1.5))


def test_a_hundred_layers_do_not_overflow() -> None:
    layers = [torch.full((10, 10), 10.0)] * 100

    assert float(log_paths(layers)) == pytest.approx(101 * math.log(10) + 100 * math.log(10), rel=1e-6)


def test_where_no_path_is_left_the_sum_is_zero() -> None:
    assert float(log_paths([torch.zeros(2, 2), torch.ones(1, 2)])) == -math.inf


def test_no_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="there are no matrices; a path goes through one at least"):
        log_paths([])
