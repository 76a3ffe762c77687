"""Inner products that stay exact at length, and random vectors that are the same everywhere."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ergoscope.curvature import vectors
from ergoscope.curvature.vectors import add_scaled, dot, norm, normals, signs, wide_dtype
from tests.agent.curvature.no_reading import NoReading


@pytest.mark.parametrize("size", [1, 7, 70_000, 3_000_000])
def test_a_product_is_off_by_less_than_half_a_unit_of_each_term(size: int) -> None:
    a, b = normals(size, seed=1), normals(size, seed=2)

    product = dot(a, b)

    exact = a.double() @ b.double()
    assert product.dtype == torch.float64
    assert abs(product - exact) <= 2.0**-24 * (a.double().abs() @ b.double().abs()) * (1 + 1e-6)
    assert norm(a).item() == pytest.approx(a.double().norm().item(), rel=2.0**-25)  # where no error cancels another


def test_in_fp64_it_is_the_product() -> None:
    a = normals(200_000, seed=1, dtype=torch.float64)

    # Sums of n terms in two orders differ by at most 2n half units of the sum of magnitudes.
    assert norm(a).item() ** 2 == pytest.approx((a @ a).item(), rel=4e5 * 2.0**-53)


def test_nothing_has_the_product_zero() -> None:
    assert dot(torch.empty(0), torch.empty(0)).item() == 0.0


def test_a_multiple_is_added_in_place() -> None:
    total = torch.tensor([1.0, 2.0])

    add_scaled(total, torch.tensor([10.0, 20.0]), torch.tensor(0.5, dtype=torch.float64))

    assert total.tolist() == [6.0, 12.0]


def splitmix64(state: int, count: int) -> list[int]:
    """The published generator, in whole numbers without end."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        numbers.append(z ^ (z >> 31))
    return numbers


def test_signs_are_the_bits_of_the_published_generator() -> None:
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]  # from state 0
    assert splitmix64(0, 3) == published

    drawn = signs(100, seed=0)

    numbers = splitmix64(published[0], 4)  # the seed is hashed itself
    assert drawn.tolist() == [2.0 * ((numbers[place // 32] >> place % 32) & 1) - 1 for place in range(100)]


@pytest.mark.parametrize("draw", [signs, normals])
def test_the_length_of_the_pieces_changes_nothing(draw: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw(1001, seed=-3, dtype=torch.float64)
    monkeypatch.setattr(vectors, "_PIECE", {"cpu": 64})

    pieces = draw(1001, seed=-3, dtype=torch.float64)

    assert torch.equal(whole, pieces)
    assert torch.equal(whole[:500], draw(500, seed=-3, dtype=torch.float64))


@pytest.mark.parametrize("draw", [signs, normals])
def test_no_generator_of_torch_is_touched(draw: Callable[..., Tensor]) -> None:
    before = torch.get_rng_state()

    draw(10, seed=0)

    assert torch.equal(before, torch.get_rng_state())


def test_normal_entries_have_the_moments_of_their_law() -> None:
    size = 1 << 20

    drawn = normals(size, seed=7, dtype=torch.float64)

    for power, mean, variance in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        assert abs((drawn**power).mean().item() - mean) < 4 * (variance / size) ** 0.5


@pytest.mark.parametrize("draw", [signs, normals])
@pytest.mark.parametrize("shift", [0, 1, 2, 31, 32, 33])
def test_vectors_of_other_seeds_and_places_are_not_correlated(draw: Callable[..., Tensor], shift: int) -> None:
    size = 1 << 18
    one, other = draw(size + shift, seed=1), draw(size, seed=2 if shift == 0 else 1)

    correlation = dot(one[shift:], other).item() / size

    assert abs(correlation) < 4 / size**0.5


def test_nothing_is_read_from_the_device() -> None:
    with NoReading():
        a = signs(100, seed=0) + normals(100, seed=0)
        add_scaled(a, a.clone(), norm(a))

    assert a.isfinite().all()


def test_the_widest_type_is_fp64_but_where_there_is_none() -> None:
    assert wide_dtype(torch.device("cuda")) == torch.float64
    assert wide_dtype(torch.device("mps")) == torch.float32
