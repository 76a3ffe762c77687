"""XTrace by its numbers against XTrace written out, and its mean and spread."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.trace import draw
from ergoscope.curvature.xtrace import XTrace, estimate_by_exchange
from tests.agent.curvature.spikes import off_diagonal, spiked


def _run(matrix: Tensor, products: int, seed: int) -> XTrace:
    run = XTrace(len(matrix), products=products, seed=seed, dtype=matrix.dtype)
    while not run.complete:
        run.step(lambda v: matrix @ v)
    return run


def test_the_numbers_give_what_the_definition_gives() -> None:
    matrix, _ = spiked(40)
    half = 5
    drawn = torch.stack([draw(40, "signs", seed=3, number=i, dtype=torch.float64) for i in range(half)], dim=1)
    single = []
    for i in range(half):
        others = torch.cat([drawn[:, :i], drawn[:, i + 1 :]], dim=1)
        q, _ = torch.linalg.qr(matrix @ others)
        rest = drawn[:, i] - q @ (q.T @ drawn[:, i])
        single.append(((q.T @ matrix @ q).trace() + rest @ matrix @ rest).item())

    found = estimate_by_exchange(_run(matrix, 2 * half, seed=3).readings().numpy())

    assert found.trace == pytest.approx(np.mean(single), rel=1e-10)
    assert found.trace_error == pytest.approx(np.std(single, ddof=1) / half**0.5, rel=1e-8)
    assert found.square == pytest.approx((matrix @ drawn).square().sum().item() / half, rel=1e-12)
    assert found.products == 10


def test_it_is_unbiased_and_spreads_less_than_plain_draws_of_as_many_products() -> None:
    matrix, values = spiked(60)
    products, repeats = 20, 40

    found = [estimate_by_exchange(_run(matrix, products, seed).readings().numpy()) for seed in range(repeats)]
    traces = torch.tensor([f.trace for f in found], dtype=torch.float64)
    reported = torch.tensor([f.trace_error**2 for f in found], dtype=torch.float64).mean()

    assert abs(traces.mean() - values.sum()) < 4 * traces.std() / repeats**0.5
    assert traces.var() < 2 * off_diagonal(matrix) / products / 4
    # The terms share columns, so nothing exact is known of the reported error: that it is of the right size is.
    assert 0.5 < reported / traces.var() < 2


def test_a_matrix_of_low_rank_is_exact_though_the_sketch_repeats_itself() -> None:
    axes = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = axes @ axes.T

    found = estimate_by_exchange(_run(matrix, 14, seed=1).readings().numpy())

    assert found.trace == pytest.approx(matrix.trace().item(), rel=1e-10)
    assert found.trace_error < 1e-8 * found.trace


def test_a_matrix_of_zeros_has_no_trace_and_a_broken_one_none_that_is_a_number() -> None:
    zeros = estimate_by_exchange(_run(torch.zeros(6, 6), 4, seed=0).readings().numpy())
    broken = estimate_by_exchange(_run(torch.full((6, 6), torch.nan), 4, seed=0).readings().numpy())

    assert (zeros.trace, zeros.trace_error, zeros.square) == (0.0, 0.0, 0.0)
    assert math.isnan(broken.trace) and math.isnan(broken.square)


@pytest.mark.parametrize("products", [2, 5])
def test_too_few_or_an_odd_number_of_products_are_refused(products: int) -> None:
    with pytest.raises(ValueError, match=f"products is {products}; XTrace needs an even number of at least 4"):
        XTrace(5, products=products, seed=0)


def test_readings_wait_for_all_products_and_there_are_no_more() -> None:
    run = XTrace(5, products=4, seed=0)
    run.step(lambda v: v)

    with pytest.raises(ValueError, match="1 of 4 products were made; make all of them"):
        run.readings()
    for _ in range(3):
        run.step(lambda v: v)
    with pytest.raises(ValueError, match="all 4 products were made; begin another run"):
        run.step(lambda v: v)


def test_readings_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"readings have shape \(4, 2\); it must be \(3k \+ 1, k\) with k at least 2"):
        estimate_by_exchange(np.zeros((4, 2)))
