"""Histograms over binary exponents against counting one by one."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ergoscope.numerics.histogram import HIGH, LOW, SLOTS, count_exponents, stride, to_histogram
from ergoscope_contract.records import Histogram


def made(tensor: Tensor, **options: int) -> Histogram:
    counts = count_exponents(tensor, **options)
    assert counts.shape == (SLOTS,)
    return to_histogram(counts.tolist(), key="k", step=1, size=tensor.numel())


def counted(numbers: list[float]) -> Histogram:
    """The same by frexp, one number after the other."""
    bins = {sign: [0] * (HIGH - LOW + 1) for sign in (1.0, -1.0)}
    zeros = nonfinite = 0
    for x in numbers:
        if x == 0:
            zeros += 1
        elif not math.isfinite(x):
            nonfinite += 1
        else:
            exponent = math.frexp(abs(x))[1] - 1
            bins[math.copysign(1.0, x)][min(max(exponent, LOW), HIGH) - LOW] += 1
    return Histogram("k", 1, LOW, bins[1.0], bins[-1.0], zeros=zeros, nonfinite=nonfinite)


EDGES = [0.0, -0.0, 1.0, -1.0, 2.0**-40, 2.0**-41, -(2.0**-60), 1e-45, -1e-40, 256.0, 511.9, -512.0, 3e38, 0.75, -3.0]


def test_edges_of_bins_signs_zeros_and_what_lies_beyond() -> None:
    numbers = [*EDGES, math.nan, math.inf, -math.inf, -math.nan]

    assert made(torch.tensor(numbers)) == counted(numbers)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_random_numbers_of_every_type_equal_counting_one_by_one(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(3000, generator=generator).exp2() * torch.randn(3000, generator=generator)
    tensor = (spread * 2.0 ** torch.randint(-20, 10, (3000,), generator=generator)).to(dtype)

    assert made(tensor) == counted(tensor.double().tolist())


def test_doubles_beyond_the_range_of_singles_are_counted_at_the_ends() -> None:
    numbers = [1e-300, -1e-320, 1e300, -1e200, 0.0, math.inf, math.nan, 1.0]

    assert made(torch.tensor(numbers, dtype=torch.float64)) == counted(numbers)


def test_real_and_imaginary_parts_are_counted() -> None:
    counts = count_exponents(torch.tensor([1 + 2j, -4j], dtype=torch.complex64))

    record = to_histogram(counts.tolist(), key="k", step=1, size=4)

    assert record == counted([1.0, 2.0, 0.0, -4.0])


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.t(),
        lambda t: t[:, ::2],
        lambda t: t.view(4, 5, 2, 5).to(memory_format=torch.channels_last),
        lambda t: t[0, 0],
        lambda t: t.to_sparse(),
    ],
)
def test_the_layout_in_memory_does_not_matter(view: Callable[[Tensor], Tensor]) -> None:
    tensor = view(torch.randn(20, 10, generator=torch.Generator().manual_seed(1)))

    assert made(tensor) == counted(tensor.to_dense().flatten().tolist())


def test_two_halves_add_to_the_whole() -> None:
    tensor = torch.randn(1000, generator=torch.Generator().manual_seed(2))

    whole = count_exponents(tensor)

    assert torch.equal(whole, count_exponents(tensor[:300]) + count_exponents(tensor[300:]))


def test_a_sample_says_how_many_it_looked_at_and_is_fair() -> None:
    tensor = torch.randn(300_000, generator=torch.Generator().manual_seed(3))

    sample, whole = made(tensor, limit=4096), made(tensor, limit=300_000)

    assert sample.sampled is not None
    assert 3000 < sample.sampled <= 4096
    assert whole.sampled is None
    share = sum(whole.positive) / 300_000
    error = (share * (1 - share) / sample.sampled) ** 0.5
    assert abs(sum(sample.positive) / sample.sampled - share) < 4 * error


@pytest.mark.parametrize(("entries", "limit"), [(10, 10), (1 << 20, 32_768), (1000 * 1000, 999), (97, 1), (2, 1)])
def test_the_stride_reaches_every_column(entries: int, limit: int) -> None:
    step = stride(entries, limit)

    assert math.ceil(entries / step) <= limit
    assert step == 1 or math.gcd(step, entries) == 1


def test_counting_changes_neither_the_tensor_nor_the_generator() -> None:
    tensor, state = torch.nn.Parameter(torch.randn(100)), torch.random.get_rng_state()
    before, version = tensor.detach().clone(), tensor._version

    count_exponents(tensor, limit=10)

    assert torch.equal(tensor, before)
    assert tensor._version == version
    assert torch.equal(torch.random.get_rng_state(), state)
