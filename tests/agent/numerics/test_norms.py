"""Norms of many tensors, of every kind that a gradient can be."""

import math

import pytest
import torch

from ergoscope.numerics.norms import common_dtype, dense_entries, norms_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_one_call_equals_the_definition(dtype: torch.dtype) -> None:
    tensors = [torch.randn(n, 7, generator=torch.Generator().manual_seed(n)).to(dtype) for n in (1, 5, 300)]

    norms = norms_of(tensors, common_dtype(tensors))

    for norm, tensor in zip(norms, tensors, strict=True):
        # The sum of n squares in fp32 is off by at most n half units in the last place, the root by half of that.
        assert norm.item() == pytest.approx(float(tensor.double().norm()), rel=tensor.numel() * 2.0**-24)


def test_sixteen_bits_do_not_overflow_in_the_sum() -> None:
    tensor = torch.full((10_000,), 300.0, dtype=torch.float16)

    assert norms_of([tensor], common_dtype([tensor]))[0].item() == pytest.approx(30_000.0, rel=1e-5)


def test_mixed_sparse_and_complex_tensors_go_one_by_one() -> None:
    sparse = torch.sparse_coo_tensor([[1, 1, 2]], [1.0, 2.0, 4.0], (5,), check_invariants=True)  # 1 + 2 meet
    tensors = [sparse, torch.tensor([3 + 4j]), torch.tensor([2.0], dtype=torch.float64), torch.ones(4)]

    norms = norms_of(tensors, common_dtype(tensors))

    assert common_dtype(tensors) is None
    assert [n.item() for n in norms] == [5.0, 5.0, 2.0, 2.0]
    assert dense_entries(sparse).tolist() == [3.0, 4.0]


@pytest.mark.parametrize(("order", "expected"), [(1.0, [7.0, 4.0, 0.0]), (math.inf, [4.0, 2.0, 0.0])])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_sums_and_largest_magnitudes_are_norms_too(dtype: torch.dtype, order: float, expected: list[float]) -> None:
    tensors = [torch.tensor([-3.0, 4.0]).to(dtype), torch.tensor([[2.0, 0.0, -2.0]]).to(dtype), torch.ones(0).to(dtype)]

    assert [n.item() for n in norms_of(tensors, common_dtype(tensors), order=order)] == expected
    assert [n.item() for n in norms_of(tensors[:2], common_dtype(tensors), order=order)] == expected[:2]


def test_nothing_has_no_common_type() -> None:
    assert common_dtype([]) is None
