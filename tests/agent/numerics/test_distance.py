"""Distances that are known, from copies and from sketches."""

import pytest
import torch

from ergoscope.numerics.distance import KEPT, Start
from ergoscope.numerics.sketch import Sketcher

SKETCHED = KEPT + 1


def test_of_small_tensors_it_is_exact() -> None:
    start, torch_start = Start(Sketcher()), torch.arange(6.0).reshape(2, 3)
    start.keep("w", torch_start)

    found = start.distance("w", torch_start + torch.tensor([[2.0], [-1.0]]))

    assert found is not None
    assert float(found) == pytest.approx(15**0.5)


def test_of_large_tensors_the_square_scatters_by_the_root_of_two_over_the_buckets() -> None:
    torch.manual_seed(0)
    ratios = []
    for number in range(100):
        start, weights = Start(Sketcher(seed=number)), torch.randn(SKETCHED)
        move = 0.01 * torch.randn(SKETCHED)
        start.keep("w", weights)
        found = start.distance("w", weights + move)
        assert found is not None
        ratios.append(float(found**2 / move.square().sum()))

    spread = (2 / 1021) ** 0.5
    assert sum(ratios) / 100 == pytest.approx(1.0, abs=4 * spread / 10)
    assert float(torch.tensor(ratios).std()) == pytest.approx(spread, rel=4 / 200**0.5)


def test_a_start_that_is_kept_is_not_changed_by_what_becomes_of_the_tensor() -> None:
    start, weights = Start(Sketcher()), torch.zeros(3)
    start.keep("w", weights)
    weights += 1.0
    start.keep("w", weights)  # known already

    found = start.distance("w", weights)

    assert found is not None
    assert float(found) == pytest.approx(3**0.5)


def test_of_complex_and_half_tensors_it_is_that_of_their_numbers() -> None:
    start = Start(Sketcher())
    start.keep("z", torch.zeros(1, dtype=torch.complex64))
    start.keep("h", torch.ones(4, dtype=torch.bfloat16))

    both = [
        start.distance("z", torch.tensor([3.0 + 4.0j])),
        start.distance("h", torch.full((4,), 2.0, dtype=torch.bfloat16)),
    ]

    assert [float(d) for d in both if d is not None] == pytest.approx([5.0, 2.0])


def test_what_is_unknown_sparse_or_of_another_shape_has_no_distance() -> None:
    start = Start(Sketcher())
    start.keep("w", torch.zeros(3))
    start.keep("s", torch.zeros(3).to_sparse())
    start.keep("m", torch.zeros(3))

    assert start.distance("other", torch.zeros(3)) is None
    assert start.distance("w", torch.zeros(4)) is None
    assert start.distance("s", torch.zeros(3).to_sparse()) is None
    assert start.distance("m", torch.zeros(3, device="meta")) is None
