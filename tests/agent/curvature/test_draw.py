"""A draw whose products are made a few at a time."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.draw import Draw, Drawn, read_draw
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
    return read_draw(values.tolist())


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
        read_draw(draw.go_on(product, [factor * WEIGHTS[0]], products=1).tolist()).moved for factor in (1.0, 1.1, 0.8)
    ]

    assert moved == pytest.approx([0.0, 0.1, 0.2], rel=1e-5)


def test_products_that_were_not_finite_are_seen() -> None:
    draw = Draw(WEIGHTS[0], steps=3, seed=0, sketcher=Sketcher())

    found = read_draw(draw.go_on(lambda v: v * float("nan"), WEIGHTS, products=1).tolist())

    assert np.isnan(found.square)
    assert np.isnan(found.run.values).all()
