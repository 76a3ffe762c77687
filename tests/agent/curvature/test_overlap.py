"""Shares of vectors and subspaces, against chance and against what was built in."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.draw import Draw, Drawn, read_draw
from ergoscope.curvature.lanczos import ritz
from ergoscope.curvature.overlap import chance_overlap, overlap_of, resolved, shared_part, subspace_overlap
from ergoscope.numerics.sketch import Sketcher


def _axes(size: int, count: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(size, count, generator=generator, dtype=torch.float64))
    return list(q.T)


def test_a_gradient_in_the_subspace_reads_one_and_beside_it_zero() -> None:
    basis = _axes(30, 4)
    inside, beside = basis[0] + 2 * basis[3], basis[3]

    part, whole = shared_part(basis, inside, inside)
    of_others, of_beside = shared_part(basis[:3], beside, beside)

    assert float(part / whole) == pytest.approx(1.0, rel=1e-12)
    assert abs(float(of_others / of_beside)) < 1e-28


def test_a_random_direction_reads_chance_with_its_spread() -> None:
    repeats = 2000
    draws = torch.randn(repeats, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    basis, (mean, spread) = _axes(20, 5), chance_overlap(5, 20)

    parts = [shared_part(basis, g, g) for g in draws]
    shares = torch.stack([part / whole for part, whole in parts])

    assert abs(shares.mean().item() - mean) < 4 * spread / repeats**0.5
    away = shares - shares.mean()
    error_of_variance = ((away**4).mean() - (away**2).mean() ** 2).sqrt().item() / repeats**0.5
    assert abs(shares.var().item() - spread**2) < 4 * error_of_variance


def test_two_batches_read_the_slope_without_the_noise_of_either() -> None:
    # The slope lies in the subspace, the noise everywhere and is as large: one batch reads (1 + k/d) / 2, not 1.
    size, repeats = 40, 2000
    basis = _axes(size, 4)
    noise = torch.randn(repeats, 2, size, generator=torch.Generator().manual_seed(2), dtype=torch.float64) / size**0.5
    slope = basis[0]

    pairs = [shared_part(basis, slope + a, slope + b) for a, b in noise]
    part, whole = (torch.stack(column) for column in zip(*pairs, strict=True))

    assert abs(part.mean() - 1) < 4 * part.std() / repeats**0.5
    assert abs(whole.mean() - 1) < 4 * whole.std() / repeats**0.5


def test_subspaces_share_the_mean_squared_cosine_of_their_angles() -> None:
    x, y, z = torch.eye(3, dtype=torch.float64)
    turned = 0.6 * y + 0.8 * z

    assert float(subspace_overlap([x, y], [x, turned])) == pytest.approx((1 + 0.36) / 2)
    assert float(subspace_overlap([x, y], [y, x])) == 1.0
    assert float(subspace_overlap([x], [y, z])) == 0.0


def test_random_subspaces_share_what_chance_gives() -> None:
    repeats, fixed = 400, _axes(20, 4)

    shares = torch.stack([subspace_overlap(fixed, _axes(20, 6, seed)) for seed in range(1, repeats)])

    assert abs(shares.mean() - 6 / 20) < 4 * shares.std() / repeats**0.5


def test_no_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="the basis has no vectors; give at least one"):
        shared_part([], torch.ones(1), torch.ones(1))
    with pytest.raises(ValueError, match="a subspace has no vectors; give at least one"):
        subspace_overlap([], [torch.ones(1)])
    with pytest.raises(ValueError, match="count is 4; it must be from 1 to 3"):
        chance_overlap(4, 3)


STEEP = torch.cat([torch.tensor([20.0, 14.0, 9.0]), torch.linspace(-1.0, 1.0, 57)]).double()


def _drawn(along: torch.Tensor | None, *, steps: int = 20, draws: int = 3) -> list[Drawn]:
    made = [Draw(STEEP, steps=steps, seed=seed, sketcher=Sketcher()) for seed in range(draws)]
    return [read_draw(d.go_on(lambda v: STEEP * v, [STEEP], products=steps, along=along).tolist()) for d in made]


def test_the_share_in_the_top_ritz_vectors_is_that_in_the_eigenvectors() -> None:
    vector = torch.ones(60, dtype=torch.float64)
    vector[:3] = torch.tensor([3.0, 2.0, 5.0])

    for most, inside in ((1, 9.0), (2, 13.0), (3, 38.0)):
        found = overlap_of(_drawn(vector), 60, most=most)
        assert found is not None
        assert found.count == most
        assert found.share.value == pytest.approx(inside / 95.0, rel=1e-6)
        assert found.share.error < 1e-6
        assert found.chance == most / 60


def test_no_more_directions_count_than_every_draw_has_resolved() -> None:
    vector = torch.ones(60, dtype=torch.float64)
    few, many = _drawn(vector, steps=7, draws=2), _drawn(vector, draws=2)

    of_few, of_many, of_both = (overlap_of(one, 60, most=None) for one in (few, many, [*few, *many]))

    assert of_few is not None
    assert of_many is not None
    assert of_few.count <= 3 <= of_many.count
    assert of_both == overlap_of([*few, *many], 60, most=of_few.count)


def test_what_is_resolved_is_within_a_tenth_of_the_share() -> None:
    """Of eigenvalues in equal distances few are resolved; each share that counts is that of the eigenvectors."""
    values = np.linspace(0.0, 1.0, 40)
    matrix, vector = torch.from_numpy(values), torch.ones(40, dtype=torch.float64)
    counted = 0
    for steps in range(5, 30):
        draw = Draw(matrix, steps=steps, seed=steps, sketcher=Sketcher())
        drawn = read_draw(draw.go_on(lambda v: matrix * v, [matrix], products=steps, along=vector).tolist())
        found = overlap_of([drawn], 40, most=None)
        if found is not None:
            counted += 1
            assert abs(found.share.value - found.count / 40) <= 0.1

    assert counted > 5


def test_directions_that_bend_downwards_are_not_steep() -> None:
    assert resolved(ritz([-1.0, -4.0, 2.0], [1e-9, 1e-9, 1e-9])) == [1]


def test_where_nothing_is_resolved_or_given_there_is_no_share() -> None:
    vector = torch.ones(60, dtype=torch.float64)

    assert overlap_of(_drawn(vector, steps=2), 60, most=None) is None
    assert overlap_of(_drawn(None), 60, most=None) is None
    assert overlap_of(_drawn(0 * vector), 60, most=None) is None
