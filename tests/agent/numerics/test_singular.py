"""Spectra of matrices whose singular values are known."""

import numpy as np
import pytest
import torch

from ergoscope.numerics.singular import FAINT, effective_rank, eigenvalues_of, eigenvalues_of_products, products_of


@pytest.mark.parametrize("shape", [(40, 70), (70, 40)])
def test_they_are_the_squares_of_the_singular_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(*shape)

    found = eigenvalues_of(matrix)

    truth = torch.linalg.svdvals(matrix.double()).flip(0).square().numpy()
    # Products of 70 numbers in fp32: an entry of norm-wise error 70 * 2^-24 at most, and with it every eigenvalue.
    assert found == pytest.approx(truth, abs=70 * 2.0**-24 * truth[-1])


def test_what_is_lost_in_rounding_counts_as_zero() -> None:
    matrix = torch.diag(torch.tensor([1.0, 2 * FAINT, 0.5 * FAINT]))

    assert eigenvalues_of(matrix) == pytest.approx([0.0, (2 * FAINT) ** 2, 1.0], rel=1e-6)


def test_a_large_mean_that_all_rows_share_takes_products_in_fp64() -> None:
    rows = torch.full((384, 8), 5.0 / 8**0.5)

    exact = eigenvalues_of_products(products_of(rows, dtype=torch.float64))

    assert effective_rank(exact) == pytest.approx(1.0, abs=1e-9)
    assert exact[-1] == pytest.approx(384 * 25.0, rel=1e-6)


def test_a_matrix_of_one_direction_has_effective_rank_one_in_spite_of_rounding() -> None:
    torch.manual_seed(0)
    matrix = torch.outer(torch.randn(50), torch.randn(80))

    assert effective_rank(eigenvalues_of(matrix)) == pytest.approx(1.0, abs=1e-9)


def test_the_effective_rank_of_two_values_is_the_exponential_of_their_entropy() -> None:
    # Shares 3/4 and 1/4.
    assert effective_rank(np.array([1.0, 9.0])) == pytest.approx(4 / 3**0.75)


def test_of_zeros_there_is_no_effective_rank() -> None:
    assert np.isnan(effective_rank(np.zeros(3)))


def test_entries_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="the matrix has entries that are not finite"):
        eigenvalues_of(torch.tensor([[1.0, float("nan")], [0.0, 1.0]]))
