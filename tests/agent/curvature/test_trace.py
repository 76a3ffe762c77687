"""Hutchinson's estimates and what a known subspace saves, against matrices whose sums are known."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos
from ergoscope.curvature.trace import Deflation, Hutchinson, Law, Traces, draw, estimate_traces
from tests.agent.curvature.spikes import off_diagonal, spiked

DRAWS = 600


def _single_draws(matrix: Tensor, law: Law, deflation: Deflation | None = None) -> Tensor:
    """Shape (2, DRAWS): what each draw alone says of trace and squared size."""
    run = Hutchinson(len(matrix), seed=11, law=law, deflation=deflation, dtype=torch.float64)
    for _ in range(DRAWS):
        run.step(lambda v: matrix @ v)
    readings = run.readings()
    return readings[:, :1] + readings[:, 1:]


def _assert_mean_and_variance(draws: Tensor, mean: float, variance: float) -> None:
    # The error of a sample variance needs the fourth moment, which is taken from the sample.
    away = draws - draws.mean()
    error_of_variance = ((away**4).mean() - (away**2).mean() ** 2).sqrt().item() / DRAWS**0.5
    assert abs(draws.mean().item() - mean) < 4 * (variance / DRAWS) ** 0.5
    assert abs(draws.var().item() - variance) < 4 * error_of_variance


@pytest.mark.parametrize("law", ["signs", "normals"])
def test_mean_and_variance_of_a_draw_are_those_of_theory(law: Law) -> None:
    matrix, values = spiked(100)
    square = matrix @ matrix
    form, image = (
        (2 * off_diagonal(matrix), 2 * off_diagonal(square))
        if law == "signs"
        else (2 * (values**2).sum().item(), 2 * (values**4).sum().item())
    )

    forms, squares = _single_draws(matrix, law)

    _assert_mean_and_variance(forms, values.sum().item(), form)
    _assert_mean_and_variance(squares, (values**2).sum().item(), image)


def test_a_diagonal_matrix_takes_one_draw_of_signs() -> None:
    run = Hutchinson(3, seed=0)

    run.step(lambda v: torch.tensor([1.0, 2.0, 3.0]) * v)
    found = estimate_traces(run.readings().numpy())

    assert (found.trace, found.square, found.products) == (6.0, 14.0, 1)
    assert math.isnan(found.trace_error)


def test_the_standard_error_covers_the_truth_as_often_as_it_says() -> None:
    matrix, values = spiked(60)
    repeats, inside = 100, 0

    for seed in range(repeats):
        run = Hutchinson(60, seed=seed, dtype=torch.float64)
        for _ in range(20):
            run.step(lambda v: matrix @ v)
        found = estimate_traces(run.readings().numpy())
        inside += abs(found.trace - values.sum().item()) < 2.093 * found.trace_error  # Student's 95 % at 19 degrees

    # Forms are a little skewed, which costs coverage of order 1/20; below that the binomial error.
    assert abs(inside / repeats - 0.95) < 4 * (0.95 * 0.05 / repeats) ** 0.5 + 0.02


def test_a_lanczos_basis_leaves_only_the_rest_to_be_drawn() -> None:
    matrix, values = spiked(100)
    run = Lanczos.random(100, seed=5, keep=True, dtype=torch.float64)
    for _ in range(12):
        run.step(lambda v: matrix @ v)

    deflation = Deflation.by_lanczos(run)
    forms, squares = _single_draws(matrix, "signs", deflation)

    basis = torch.stack(run.basis, dim=1)
    outside = torch.eye(100, dtype=torch.float64) - basis @ basis.T
    rest = outside @ matrix @ outside
    assert deflation.trace.item() == pytest.approx((basis.T @ matrix @ basis).trace().item(), rel=1e-10)
    assert deflation.square.item() == pytest.approx((matrix @ basis).square().sum().item(), rel=1e-10)
    _assert_mean_and_variance(forms, values.sum().item(), 2 * off_diagonal(rest))
    image = outside @ matrix @ matrix @ outside
    _assert_mean_and_variance(squares, (values**2).sum().item(), 2 * off_diagonal(image))
    assert off_diagonal(rest) < off_diagonal(matrix) / 10


def test_a_basis_of_the_whole_space_leaves_nothing_to_be_drawn() -> None:
    matrix, values = spiked(10)
    run = Lanczos.random(10, seed=5, keep=True, dtype=torch.float64)
    for _ in range(10):
        run.step(lambda v: matrix @ v)

    rest = Hutchinson(10, seed=6, deflation=Deflation.by_lanczos(run), dtype=torch.float64)
    for _ in range(2):
        rest.step(lambda v: matrix @ v)
    found = estimate_traces(rest.readings().numpy(), spent=10)

    assert found.trace == pytest.approx(values.sum().item(), rel=1e-10)
    assert found.square == pytest.approx((values**2).sum().item(), rel=1e-10)
    assert found.products == 12


def test_the_size_of_the_matrix_comes_with_an_error_to_first_order() -> None:
    found = Traces(trace=1.0, trace_error=0.0, square=100.0, square_error=4.0, products=5)

    assert (found.size, found.size_error) == (10.0, 0.2)
    assert Traces(0.0, 0.0, 0.0, 0.0, 1).size_error == 0.0


def test_draws_go_on_where_they_were_and_differ_between_seeds() -> None:
    one, other, again = (draw(50, "signs", seed=s, number=n, dtype=torch.float32) for s, n in ((0, 1), (1, 0), (0, 1)))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_no_product_is_no_reading() -> None:
    with pytest.raises(ValueError, match="no product was made; make at least one"):
        Hutchinson(3, seed=0).readings()


def test_a_run_without_its_vectors_is_no_deflation() -> None:
    run = Lanczos.random(3, seed=0, keep=False)
    run.step(lambda v: v)

    with pytest.raises(ValueError, match="the run has kept no vectors; run with keep=True, for one step at least"):
        Deflation.by_lanczos(run)


def test_readings_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"readings have shape \(2, 1\); it must be \(2, 1 \+ draws\) with at least"):
        estimate_traces(np.zeros((2, 1)))
