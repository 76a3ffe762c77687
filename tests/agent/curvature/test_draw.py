"""A draw whose products are made a few at a time."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.draw import Draw, Drawn, read_draw
from ergoscope.curvature.lanczos import Lanczos
from ergoscope.curvature.vectors import normals
from ergoscope.numerics.sketch import Sketcher
from tests.agent.curvature.matrices import run, wigner

MATRIX = torch.from_numpy(wigner(80, seed=1, spikes=[4.0]))
WEIGHTS = [torch.ones(80, dtype=torch.float64)]


def product(vector: Tensor) -> Tensor:
    return MATRIX @ vector


def drawn(*portions: int, seed: int = 3) -> Drawn:
    draw = Draw(WEIGHTS[0], steps=12, seed=seed, sketcher=Sketcher())
    for portion in portions:
        values = draw.go_on(product, WEIGHTS, products=portion)
    return read_draw(values.tolist(), products=min(sum(portions), 12))


def test_it_is_the_run_of_lanczos_however_it_is_portioned() -> None:
    whole = run(MATRIX, 12, seed=3)

    for portions in ((12,), (4, 4, 4), (5, 5, 5), (1,) * 12):
        found = drawn(*portions)
        assert found.products == 12
        assert np.array_equal(found.run.values, whole.values)
        assert np.array_equal(found.run.weights, whole.weights)
        assert found.run.random_start


def test_the_first_product_tells_the_sums() -> None:
    start = normals(80, seed=3, dtype=torch.float64)
    start /= start.norm()
    image = MATRIX @ start

    for portion in (1, 12):
        found = drawn(portion)
        assert found.form == pytest.approx(float(start @ image), rel=1e-12)
        assert found.square == pytest.approx(float(image @ image), rel=1e-12)


def test_it_tells_how_far_the_weights_are_from_the_first_product() -> None:
    draw = Draw(WEIGHTS[0], steps=3, seed=0, sketcher=Sketcher())

    moved = [
        read_draw(draw.go_on(product, [factor * WEIGHTS[0]], products=1).tolist(), products=made).moved
        for made, factor in enumerate((1.0, 1.1, 0.8), 1)
    ]

    assert moved == pytest.approx([0.0, 0.1, 0.2], rel=1e-5)


def test_products_that_were_not_finite_are_seen() -> None:
    draw = Draw(WEIGHTS[0], steps=3, seed=0, sketcher=Sketcher())

    found = read_draw(draw.go_on(lambda v: v * float("nan"), WEIGHTS, products=1).tolist(), products=1)

    assert np.isnan(found.square)
    assert np.isnan(found.run.values).all()


def test_when_it_is_complete_it_tells_components_and_sketches_of_its_basis_and_not_before() -> None:
    slope, step = (normals(80, seed=seed, dtype=torch.float64) for seed in (5, 6))
    draw, asked = Draw(WEIGHTS[0], steps=12, seed=3, sketcher=Sketcher()), []

    def last() -> Tensor:
        asked.append(draw.left)
        return step

    early, late = (
        read_draw(draw.go_on(product, WEIGHTS, products=6, slope=slope, step=last).tolist(), products=made)
        for made in (6, 12)
    )

    lanczos = Lanczos.random(80, seed=3, keep=True, dtype=torch.float64)
    for _ in range(12):
        lanczos.step(product)
    basis = torch.stack(lanczos.basis)
    assert asked == [0]
    assert (early.slope, early.step, early.sketches.size) == (None, None, 0)
    assert late.slope is not None
    assert late.step is not None
    for told, vector in ((late.slope, slope), (late.step, step)):
        assert told.parts == pytest.approx((basis @ vector).numpy(), rel=1e-12)
        assert told.whole == pytest.approx(float(vector @ vector), rel=1e-12)
    # 80 entries in 1,021 buckets share none: a sketch is the vector itself, with its signs in fp32.
    assert late.sketches @ late.sketches.T == pytest.approx(np.eye(12), abs=1e-6)
    assert len(draw._run.basis) == 0


def test_a_draw_of_one_product_makes_no_sketch() -> None:
    draw = Draw(WEIGHTS[0], steps=1, seed=0, sketcher=Sketcher())

    found = read_draw(draw.go_on(product, WEIGHTS, products=1, slope=WEIGHTS[0]).tolist(), products=1)

    assert found.sketches.size == 0
    assert found.step is not None
    assert np.isnan(found.step.whole)
