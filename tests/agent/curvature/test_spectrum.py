"""What several draws say of matrices whose spectrum is known."""

import warnings

import numpy as np
import pytest
import torch

from ergoscope.curvature.draw import Draw, Drawn, read_draw
from ergoscope.curvature.spectrum import shape_of, sums_of
from ergoscope.numerics.sketch import Sketcher
from tests.agent.curvature.matrices import Matrix, wigner

SKETCHER = Sketcher()


def draws_of(values: Matrix, *, steps: int, draws: int) -> list[Drawn]:
    diagonal = torch.from_numpy(values)
    made = []
    for seed in range(draws):
        draw = Draw(diagonal, steps=steps, seed=seed, sketcher=SKETCHER)
        made.append(read_draw(draw.go_on(lambda v: diagonal * v, [diagonal], products=steps).tolist(), products=steps))
    return made


@pytest.mark.parametrize("steps", [1, 6])
def test_trace_and_norm_are_right_to_the_variances_that_are_said(steps: int) -> None:
    values, draws = np.linalg.eigvalsh(wigner(300, seed=1)) + 0.5, 400
    second, fourth = (values**2).sum(), (values**4).sum()
    trace_error = (2 * (second - values.sum() ** 2 / 300) * 300 / 302 / draws) ** 0.5
    square_error = (2 * (fourth - second**2 / 300) * 300 / 302 / draws) ** 0.5

    found = sums_of(draws_of(values, steps=steps, draws=draws), 300)

    assert abs(found.trace.value - values.sum()) <= 4 * trace_error
    assert abs(found.size.value - second**0.5) <= 4 * square_error / (2 * second**0.5)
    of_an_error = 4 * (1 / (2 * draws)) ** 0.5  # relative, of a standard deviation from so many
    assert found.trace.error == pytest.approx(trace_error, rel=1.2 * of_an_error)
    assert found.size.error == pytest.approx(square_error / (2 * second**0.5), rel=1.2 * of_an_error)


def test_of_a_multiple_of_one_every_draw_says_the_same() -> None:
    found = sums_of(draws_of(np.full(50, 3.0), steps=1, draws=2), 50)

    assert (found.trace.value, found.trace.error) == pytest.approx((150.0, 0.0), abs=1e-12)
    assert (found.size.value, found.size.error) == pytest.approx((3 * 50**0.5, 0.0), abs=1e-12)


def test_nothing_has_the_size_nothing() -> None:
    found = sums_of(draws_of(np.zeros(5), steps=1, draws=2), 5)

    assert (found.size.value, found.size.error) == (0.0, 0.0)


def test_shapes_of_nearly_zero_are_zero_within_the_rounding() -> None:
    values = np.concatenate([np.full(20, -1e-5), np.linspace(1.0, 2.0, 20)])

    fine, coarse = (shape_of(draws_of(values, steps=30, draws=3), rounding=share) for share in (1e-9, 1e-3))

    assert fine.negative.value > 0.3
    assert coarse.negative.value == 0.0
    assert coarse.weighted.value == 0.0


def test_without_positive_curvature_criteria_are_infinite_and_nobody_is_warned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = shape_of(draws_of(-np.linspace(1.0, 2.0, 20), steps=5, draws=3), rounding=1e-6)

    assert found.weighted.value == float("inf")
    assert found.ratio.value > 1.0
