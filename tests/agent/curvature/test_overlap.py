"""Shares of vectors and subspaces, against chance and against what was built in."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.density import Numbers
from ergoscope.curvature.draw import Draw, Drawn, read_draw
from ergoscope.curvature.lanczos import ritz
from ergoscope.curvature.overlap import (
    Overlap,
    chance_overlap,
    overlap_of,
    persistence_of,
    resolved,
    shared_part,
    sketched_overlap,
    steepest_of,
)
from ergoscope.numerics.sketch import BUCKETS, Sketcher

SKETCHER = Sketcher()


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


def _sketches(vectors: list[torch.Tensor]) -> Numbers:
    made = [SKETCHER.sketch(["direction"], [v]) for v in vectors]
    return np.stack([np.asarray(sketch, dtype=np.float64) for sketch in made])


def test_subspaces_that_a_sketch_holds_whole_share_the_mean_squared_cosine_of_their_angles() -> None:
    x, y, z = torch.eye(3, dtype=torch.float64)
    turned = 0.6 * y + 0.8 * z
    xy, back, away, xt = (_sketches(pair) for pair in ([x, y], [y, x], [y, z], [x, turned]))

    assert sketched_overlap(xy, back, 3) == pytest.approx(1.0, abs=1e-6)
    assert sketched_overlap(xy, xt, 3) == pytest.approx((1 + 0.36) / 2, abs=1e-6)
    assert sketched_overlap(xy[:1], away[:1], 3) == pytest.approx(0.0, abs=1e-6)


def test_of_large_subspaces_the_same_one_is_seen_whatever_its_basis() -> None:
    one = _axes(5000, 4)
    mixed = list(torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0] @ torch.stack(one))

    assert sketched_overlap(_sketches(one), _sketches(mixed), 5000) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("size", [400, 5000])
def test_random_subspaces_share_what_chance_gives(size: int) -> None:
    repeats, fixed = 200, _sketches(_axes(size, 4))

    shares = np.array([sketched_overlap(fixed, _sketches(_axes(size, 4, seed)), size) for seed in range(1, repeats)])

    seen = min(size, BUCKETS)
    expected = chance_overlap(4, seen)[1] / 4**0.5  # of four directions, each in four of so many
    assert abs(shares.mean() - 4 / size) < 4 * expected / repeats**0.5
    assert shares.std() == pytest.approx(expected, rel=4 * (1 / (2 * repeats)) ** 0.5)


def test_what_sketches_add_in_between_is_what_is_said() -> None:
    """Pairs of directions in 5,000 dimensions at the angle at which it is most, cos² = 1/3."""
    repeats, found = 300, []
    for seed in range(repeats):
        x, y = _axes(5000, 2, seed)
        found.append(sketched_overlap(_sketches([x]), _sketches([x / 3**0.5 + y * (2 / 3) ** 0.5]), 5000))

    said = 0.77 / BUCKETS**0.5
    assert abs(np.mean(found) - 1 / 3) < 4 * said / repeats**0.5
    assert np.std(found) == pytest.approx(said, rel=4 * (1 / (2 * repeats)) ** 0.5)


def test_no_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="the basis has no vectors; give at least one"):
        shared_part([], torch.ones(1), torch.ones(1))
    with pytest.raises(ValueError, match="count is 4; it must be from 1 to 3"):
        chance_overlap(4, 3)


STEEP = torch.cat([torch.tensor([20.0, 14.0, 9.0]), torch.linspace(-1.0, 1.0, 57)]).double()


def _drawn(
    along: torch.Tensor | None, *, steps: int = 20, draws: int = 3, diagonal: torch.Tensor = STEEP
) -> list[Drawn]:
    made = [Draw(diagonal, steps=steps, seed=seed, sketcher=SKETCHER) for seed in range(draws)]
    values = [d.go_on(lambda v: diagonal * v, [diagonal], products=steps, slope=along).tolist() for d in made]
    return [read_draw(one, products=steps) for one in values]


def _shared(draws: list[Drawn], size: int = 60, *, most: int | None = None) -> Overlap | None:
    return overlap_of(draws, [draw.slope for draw in draws], size, most=most)


def test_the_share_in_the_top_ritz_vectors_is_that_in_the_eigenvectors() -> None:
    vector = torch.ones(60, dtype=torch.float64)
    vector[:3] = torch.tensor([3.0, 2.0, 5.0])

    for most, inside in ((1, 9.0), (2, 13.0), (3, 38.0)):
        found = _shared(_drawn(vector), most=most)
        assert found is not None
        assert found.count == most
        assert found.share.value == pytest.approx(inside / 95.0, rel=1e-6)
        assert found.share.error < 1e-6
        assert found.chance == most / 60


def test_no_more_directions_count_than_every_draw_has_resolved() -> None:
    vector = torch.ones(60, dtype=torch.float64)
    few, many = _drawn(vector, steps=7, draws=2), _drawn(vector, draws=2)

    of_few, of_many, of_both = (_shared(one) for one in (few, many, [*few, *many]))

    assert of_few is not None
    assert of_many is not None
    assert of_few.count <= 3 <= of_many.count
    assert of_both == _shared([*few, *many], most=of_few.count)


def test_what_is_resolved_is_within_a_tenth_of_the_share() -> None:
    """Of eigenvalues in equal distances few are resolved; each share that counts is that of the eigenvectors."""
    values = np.linspace(0.0, 1.0, 40)
    matrix, vector = torch.from_numpy(values), torch.ones(40, dtype=torch.float64)
    counted = 0
    for steps in range(5, 30):
        draw = Draw(matrix, steps=steps, seed=steps, sketcher=SKETCHER)
        values = draw.go_on(lambda v: matrix * v, [matrix], products=steps, slope=vector).tolist()
        found = _shared([read_draw(values, products=steps)], 40)
        if found is not None:
            counted += 1
            assert abs(found.share.value - found.count / 40) <= 0.1

    assert counted > 5


def test_directions_that_bend_downwards_are_not_steep() -> None:
    assert resolved(ritz([-1.0, -4.0, 2.0], [1e-9, 1e-9, 1e-9])) == [1]


def test_where_nothing_is_resolved_or_given_there_is_no_share() -> None:
    vector = torch.ones(60, dtype=torch.float64)

    assert _shared(_drawn(vector, steps=2)) is None
    assert _shared(_drawn(None)) is None
    assert _shared(_drawn(0 * vector)) is None


def test_a_draw_without_the_vector_is_left_out() -> None:
    vector = torch.ones(60, dtype=torch.float64)
    given, without = _drawn(vector), _drawn(None, draws=1)

    assert _shared([*given, *without], most=3) == _shared(given, most=3)


def test_directions_of_a_matrix_that_stays_are_all_still_there() -> None:
    before = steepest_of(_drawn(None, draws=1)[0])
    assert before is not None

    found = persistence_of(before, _drawn(None), 60, most=3)

    assert found is not None
    assert (found.count, found.chance) == (3, 3 / 60)
    assert found.share.value == pytest.approx(1.0, abs=1e-5)  # two sketches in fp32


def test_of_steepest_directions_that_others_have_overtaken_none_is_left() -> None:
    before = steepest_of(_drawn(None, draws=1)[0])
    assert before is not None

    found = persistence_of(before, _drawn(None, diagonal=STEEP.roll(10)), 60, most=3)

    assert found is not None
    assert found.share.value == pytest.approx(0.0, abs=1e-5)


def test_only_as_many_directions_are_compared_as_both_readings_have_resolved() -> None:
    few, many = _drawn(None, steps=7, draws=2), _drawn(None)
    before = steepest_of(few[0])
    assert before is not None

    found = persistence_of(before, many, 60, most=None)

    assert found is not None
    assert found.count == max(before.counts & set(resolved(many[0].run)))


def test_where_no_direction_was_resolved_there_is_nothing_to_compare() -> None:
    before = steepest_of(_drawn(None, draws=1)[0])
    assert before is not None

    assert steepest_of(_drawn(None, steps=2)[0]) is None
    assert persistence_of(before, _drawn(None, steps=2), 60, most=None) is None
