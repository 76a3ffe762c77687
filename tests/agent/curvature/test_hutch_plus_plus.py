"""Hutch++ against a spiked spectrum: exact mean, the variance of its rest, and less spread than plain draws."""

import pytest
import torch

from ergoscope.curvature.hutch_plus_plus import HutchPlusPlus
from ergoscope.curvature.orthonormal import extend
from ergoscope.curvature.trace import draw
from tests.agent.curvature.spikes import off_diagonal, spiked

SIZE, PRODUCTS, REPEATS = 60, 21, 60


def _variance_of_rest(matrix: torch.Tensor, seed: int) -> float:
    basis: list[torch.Tensor] = []
    third = PRODUCTS // 3
    for place in range(third):
        sign = draw(SIZE, "signs", seed=seed, number=PRODUCTS + place, dtype=torch.float64)
        extend(basis, matrix @ sign)
    q = torch.stack(basis, dim=1)
    outside = torch.eye(SIZE, dtype=torch.float64) - q @ q.T
    return 2 * off_diagonal(outside @ matrix @ outside) / third


def test_mean_spread_and_reported_error_are_those_of_theory() -> None:
    matrix, values = spiked(SIZE)
    found = []
    for seed in range(REPEATS):
        run = HutchPlusPlus(SIZE, products=PRODUCTS, seed=seed, dtype=torch.float64)
        while not run.complete:
            run.step(lambda v: matrix @ v)
        found.append(run.estimate(run.readings().numpy()))

    variance = sum(_variance_of_rest(matrix, seed) for seed in range(REPEATS)) / REPEATS
    traces = torch.tensor([f.trace for f in found], dtype=torch.float64)
    reported = torch.tensor([f.trace_error**2 for f in found], dtype=torch.float64)

    assert abs(traces.mean() - values.sum()) < 4 * (variance / REPEATS) ** 0.5
    assert abs(traces.var() / variance - 1) < 4 * (2 / REPEATS) ** 0.5  # the traces are close to normal
    assert abs(reported.mean() - variance) < 4 * reported.std() / REPEATS**0.5
    squares = torch.tensor([f.square for f in found], dtype=torch.float64)
    assert abs(squares.mean() - (values**2).sum()) < 4 * squares.std() / REPEATS**0.5
    assert variance < 2 * off_diagonal(matrix) / PRODUCTS / 4  # plain draws of as many products spread twice as far
    assert found[0].products == PRODUCTS


def test_a_matrix_of_low_rank_is_exact() -> None:
    axes = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = axes @ axes.T

    run = HutchPlusPlus(50, products=17, seed=1, dtype=torch.float64)
    while not run.complete:
        run.step(lambda v: matrix @ v)
    found = run.estimate(run.readings().numpy())

    assert run.readings().shape == (2, 1 + 17 - 10)
    assert found.trace == pytest.approx(matrix.trace().item(), rel=1e-12)
    assert found.square == pytest.approx(matrix.square().sum().item(), rel=1e-12)
    assert found.products == 17


def test_fewer_than_three_products_are_refused() -> None:
    with pytest.raises(ValueError, match=r"products is 2; Hutch\+\+ needs at least 3"):
        HutchPlusPlus(5, products=2, seed=0)


def test_readings_wait_for_all_products_and_there_are_no_more() -> None:
    run = HutchPlusPlus(5, products=3, seed=0)

    with pytest.raises(ValueError, match="0 of 3 products were made; make all of them"):
        run.readings()
    for _ in range(3):
        run.step(lambda v: v)
    with pytest.raises(ValueError, match="all 3 products were made; begin another run"):
        run.step(lambda v: v)
