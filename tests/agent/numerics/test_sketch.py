"""Sketches keep lengths, distances and angles, whatever structure the tensors have."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.numerics.sketch import BUCKETS, Sketcher

Make = Callable[[torch.Generator], Tensor]


def sketch(*tensors: Tensor, seed: int = 0, buckets: int = BUCKETS) -> Tensor:
    found = Sketcher(buckets=buckets, seed=seed).sketch([f"layer{i}" for i in range(len(tensors))], tensors)
    assert found is not None
    return found.double()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ratios(tensor: Tensor, *, draws: int, buckets: int) -> np.ndarray:
    """Squared length of the sketch over that of the tensor, for many seeds."""
    true = float(tensor.double().square().sum())
    return np.array([float(sketch(tensor, seed=seed, buckets=buckets).square().sum()) / true for seed in range(draws)])


def test_squared_lengths_are_unbiased_with_the_spread_that_theory_says() -> None:
    draws, buckets = 300, 256

    found = ratios(normal(100_000), draws=draws, buckets=buckets)

    spread = (2 / buckets) ** 0.5  # .0884
    assert abs(found.mean() - 1) < 4 * spread / draws**0.5
    assert abs(found.std() / spread - 1) < 4 / (2 * draws) ** 0.5  # relative error of a standard deviation


def one_column(generator: torch.Generator) -> Tensor:
    """A matrix whose columns are as far apart as 1,024, a width that all of the mass must not fall by."""
    matrix = 0.01 * torch.randn(512, 1024, generator=generator)
    matrix[:, 77] = torch.randn(512, generator=generator)
    return matrix


def one_row(generator: torch.Generator) -> Tensor:
    matrix = 0.001 * torch.randn(512, 1024, generator=generator)
    matrix[13] = torch.randn(1024, generator=generator)
    return matrix


def equal_entries(generator: torch.Generator) -> Tensor:
    return torch.ones(512, 1024)


def rank_one_of_one_sign(generator: torch.Generator) -> Tensor:
    """A gradient of a layer behind ReLU: every row is a multiple of the inputs, which are never negative."""
    return torch.outer(torch.randn(512, generator=generator), torch.randn(1024, generator=generator).abs())


def every_fourth_column(generator: torch.Generator) -> Tensor:
    matrix = torch.zeros(512, 1024)
    matrix[:, ::4] = torch.randn(512, 256, generator=generator)
    return matrix


@pytest.mark.parametrize("make", [one_column, one_row, equal_entries, rank_one_of_one_sign, every_fourth_column])
def test_structure_does_not_pile_up(make: Make) -> None:
    draws = 150

    found = ratios(make(torch.Generator().manual_seed(1)), draws=draws, buckets=BUCKETS)

    # Where entries agree in sign, overlapping stretches of signs may add a little: see the module. 2/k is the least
    # for a tensor with many more entries than buckets; a single row of 1,024 has hardly anything to collide.
    variance = found.var() / (2 / BUCKETS)
    assert abs(found.mean() - 1) < 4 * (2 * 2 / BUCKETS / draws) ** 0.5
    assert variance < 1.15 + 4 * (2 / draws) ** 0.5


def test_inner_products_are_unbiased() -> None:
    x, y = normal(50_000, seed=1), normal(50_000, seed=2)
    z = 0.6 * x + 0.8 * y
    draws = 200

    found = [float(sketch(x, seed=s) @ sketch(z, seed=s)) for s in range(draws)]

    true, one, other = float(x @ z), float(x @ x), float(z @ z)
    error = ((one * other + true**2) / BUCKETS / draws) ** 0.5  # Var s(x)·s(z) = (‖x‖²‖z‖² + (x·z)²)/k
    assert abs(np.mean(found) - true) < 4 * error


@pytest.mark.parametrize("entries", [1, 7, BUCKETS - 1, BUCKETS])
def test_a_tensor_that_fits_in_the_buckets_keeps_its_length_exactly(entries: int) -> None:
    tensor = normal(entries)

    assert sketch(tensor).square().sum() == pytest.approx(float(tensor.double().square().sum()), rel=1e-6)


@pytest.mark.parametrize("entries", [BUCKETS + 1, 64 * BUCKETS, 64 * BUCKETS + 1, 1 << 21, (1 << 21) + 12_345])
def test_every_entry_counts_once_also_at_the_seams(entries: int) -> None:
    for place in {0, 64 * BUCKETS - 1, 64 * BUCKETS, 1024 * BUCKETS, entries - 1}:
        if place < entries:
            single = torch.zeros(entries)
            single[place] = 3.0

            found = sketch(single)

            assert found.abs().sum() == 3.0
            assert found.count_nonzero() == 1


def test_sketches_are_linear_and_what_is_left_out_counts_as_zero() -> None:
    names, sketcher = ["a", "b"], Sketcher()
    a, b, c = normal(300, 300, seed=1), normal(300, 300, seed=2), normal(4000, seed=3)

    def of(*tensors: Tensor) -> Tensor:
        found = sketcher.sketch(names[: len(tensors)], tensors)
        assert found is not None
        return found

    both = of(a + 2 * b, c)
    apart = of(a) + 2 * of(b) + of(torch.zeros_like(a), c)

    assert torch.allclose(both, apart, atol=1e-6 * float(a.norm() + c.norm()))
    assert torch.equal(of(a), of(a, torch.zeros_like(c)))


def test_large_tensors_keep_distances_too() -> None:
    tensor = normal((1 << 21) + 77)

    ratio = float(sketch(tensor).square().sum()) / float(tensor.double().square().sum())

    assert abs(ratio - 1) < 4 * (2 / BUCKETS) ** 0.5


def test_a_sketch_is_the_same_everywhere_and_for_ever() -> None:
    tensor = torch.arange(5000.0)

    found = sketch(tensor, torch.ones(3, 3), buckets=11)

    # Whole numbers, so that no machine may round them otherwise.
    assert found.tolist() == [-40514, 14345, -5133, 14914, 52176, 26437, -28394, -15967, 41280, 18671, 28900]


def test_names_and_seeds_give_other_signs() -> None:
    tensor, sketcher = normal(5000), Sketcher()
    first, second = sketcher.sketch(["a"], [tensor]), sketcher.sketch(["b"], [tensor])
    other = Sketcher(seed=1).sketch(["a"], [tensor])

    assert first is not None
    assert second is not None
    assert other is not None
    for found in (second, other):
        assert abs(float(torch.cosine_similarity(first, found, dim=0))) < 4 / BUCKETS**0.5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_dtype_is_added_up_in_single_precision(dtype: torch.dtype) -> None:
    tensor = normal(100, 300).to(dtype)

    assert torch.equal(sketch(tensor), sketch(tensor.float()))


def test_both_parts_of_complex_numbers_are_entries() -> None:
    tensor = torch.complex(normal(40, seed=1), normal(40, seed=2))

    assert torch.equal(sketch(tensor), sketch(torch.view_as_real(tensor)))
    assert torch.equal(sketch(tensor.conj()), sketch(torch.view_as_real(tensor.conj().resolve_conj())))


def test_the_memory_format_makes_no_difference() -> None:
    tensor = normal(8, 6, 5, 5)

    assert torch.equal(sketch(tensor.to(memory_format=torch.channels_last)), sketch(tensor))


def test_sparse_tensors_are_left_out() -> None:
    sparse, dense = torch.eye(4).to_sparse(), torch.ones(3)

    assert torch.equal(sketch(sparse, dense), sketch(torch.zeros(4, 4), dense))
    assert Sketcher().sketch(["a", "b"], [sparse, torch.zeros(0)]) is None


def test_neither_the_tensors_nor_the_global_generator_are_touched() -> None:
    tensor = normal(70_000)
    before, state = tensor.clone(), torch.random.get_rng_state()

    sketch(tensor)

    assert torch.equal(tensor, before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_no_buckets_are_refused_with_the_number_seen() -> None:
    with pytest.raises(ValueError, match="buckets is 0; it must be at least 1"):
        Sketcher(buckets=0)
