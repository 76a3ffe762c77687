"""Criteria of saddles on symmetric, positive and incomplete spectra."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.criteria import lla_kh, lla_re, negative_mass
from ergoscope.curvature.lanczos import Ritz, ritz
from tests.agent.curvature.matrices import covariance, runs_of, wigner

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def of(values: list[float], weights: list[float]) -> Ritz:
    nothing = np.zeros((len(values), len(values)))
    return Ritz(np.array(values), np.zeros(len(values)), np.array(weights), nothing, random_start=True)


def test_the_formulas_on_two_runs() -> None:
    runs = [of([-1.0, 4.0], [0.25, 0.75]), of([-2.0, 1.0, 4.0], [0.5, 0.25, 0.25])]

    kh = [0.25**0.5 / 3**0.5, 1.0 / (0.25**0.5 + 1.0)]
    assert lla_re(runs).value == pytest.approx((0.25 + 0.5) / 2)
    assert lla_kh(runs).value == pytest.approx(np.mean(kh))
    assert lla_kh(runs).error == pytest.approx(abs(kh[0] - kh[1]) / 2)
    assert lla_kh(runs, power=1.0).value == pytest.approx((0.25 / 3 + 1.0 / 1.25) / 2)


@BOTH
def test_a_symmetric_random_matrix_reads_one_and_one(dtype: torch.dtype) -> None:
    # −A is as likely as A, and turns both criteria into their inverses: their logarithms have the mean 0.
    logs = []
    for seed in range(8):
        runs = runs_of(wigner(300, seed=seed), 40, draws=2, dtype=dtype)
        logs.append(np.log([lla_re(runs).value, lla_kh(runs).value]))

    mean, error = np.mean(logs, axis=0), np.std(logs, axis=0, ddof=1) / 8**0.5
    assert (np.abs(mean) < 5.4 * error).all()  # with 7 degrees of freedom missed once in a thousand
    # The fluctuation of an end of the spectrum is 1.27 · n^(−2/3) (Tracy, Widom) at 2, of the ratio √2 times as much.
    tracy_widom = 2**0.5 * 1.27 * 300 ** (-2 / 3) / 2
    assert abs(mean[0]) < 4 * tracy_widom / 8**0.5


@BOTH
def test_a_positive_matrix_has_no_negative_part_but_a_ratio_of_its_ends(dtype: torch.dtype) -> None:
    matrix = covariance(500, 2000, seed=0, spike=9.0)  # γ = ¼: bulk from ¼ to 2¼, and a spike at 9.28
    ends = np.linalg.eigvalsh(matrix)[[0, -1]]

    runs = runs_of(matrix, 40, draws=2, dtype=dtype)

    found = lla_re(runs).value
    assert lla_kh(runs).value == 0.0 and negative_mass(runs).value == 0.0
    # The lowest node has not quite arrived: by no more than its residual, and from above.
    late = max(run.residuals[0] for run in runs)
    assert ends[0] / ends[1] * (1 - 1e-5) <= found <= (ends[0] + late) / ends[1]
    # Of the top the standard deviation is λ√(2/samples); the lower end is ¼ but for about γ^½ n^(−2/3) of Tracy, Widom.
    assert found == pytest.approx(0.25 / 9.281, rel=4 * (2 / 2000) ** 0.5 + 4 * 0.0158 + late / 0.25)


def test_zeros_count_for_neither_side_within_the_floor() -> None:
    runs = [of([-1e-7, 2.0], [0.5, 0.5])]

    assert lla_kh(runs).value == pytest.approx((0.5e-7) ** 0.5)
    assert lla_kh(runs, floor=1e-6).value == 0.0
    assert negative_mass(runs, floor=1e-6).value == 0.0


def test_without_positive_curvature_there_is_no_scale() -> None:
    assert lla_re([of([-3.0, -1.0], [0.5, 0.5])]).value == pytest.approx(3.0)
    assert lla_kh([of([-3.0, -1.0], [0.5, 0.5])]).value == float("inf")
    assert lla_re([of([-3.0, 0.0], [0.5, 0.5])]).value == float("inf")
    assert np.isnan(lla_kh([of([0.0], [1.0])]).value)


def test_products_that_were_not_finite_read_nan() -> None:
    runs = [of([float("nan")], [float("nan")])]

    assert np.isnan([lla_re(runs).value, lla_kh(runs).value, negative_mass(runs).value]).all()


def test_a_power_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"power is 0.0; it must be above 0"):
        lla_kh([of([1.0], [1.0])], power=0.0)


def test_a_warm_start_is_refused() -> None:
    runs = [ritz([1.0], [1.0])]

    for criterion in (lla_re, lla_kh, negative_mass):
        with pytest.raises(ValueError, match="1 of 1 runs began at a chosen vector"):
            criterion(runs)
