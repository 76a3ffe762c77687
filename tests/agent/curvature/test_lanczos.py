"""Lanczos on matrices whose spectrum is known, laid down and taken up again, ended early, and broken."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos, combination, ritz
from ergoscope.curvature.power import iterate_power
from ergoscope.curvature.vectors import Product, normals
from tests.agent.curvature.matrices import five_on_a_bulk, run, wigner
from tests.agent.curvature.no_reading import NoReading

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def saads_bound(spectrum: np.ndarray, tangent: float, steps: int) -> float:
    """How far the top Ritz value can be below the top eigenvalue; `tangent` of the start's angle to its eigenvector."""
    low, second, top = np.sort(spectrum)[[0, -2, -1]]
    chebyshev = np.cosh((steps - 1) * np.arccosh(1 + 2 * (top - second) / (second - low)))
    return float((top - low) * (tangent / chebyshev) ** 2)


@BOTH
@pytest.mark.parametrize("steps", [3, 5, 10])
def test_the_top_of_a_known_spectrum_is_found_as_fast_as_theory_says(dtype: torch.dtype, steps: int) -> None:
    spectrum = five_on_a_bulk()
    diagonal = torch.from_numpy(spectrum).to(dtype)

    for seed in range(5):
        top = run(diagonal, steps, seed=seed).values[-1]
        start = normals(1000, seed=seed, dtype=torch.float64)
        tangent = float(start[1:].norm() / start[0].abs())

        rounding = 50 * 16 * torch.finfo(dtype).eps
        assert 50 - saads_bound(spectrum, tangent, steps) - rounding <= top <= 50 + rounding
        assert steps < 5 or top == pytest.approx(50, rel=0.01)


@BOTH
def test_an_eigenvalue_lies_within_the_residual_of_each_ritz_value(dtype: torch.dtype) -> None:
    matrix = wigner(300, seed=1, spikes=[4.0])
    spectrum = np.linalg.eigvalsh(matrix)

    found = run(torch.from_numpy(matrix).to(dtype), 30, seed=0)

    # A product in fp32 is off by at most √300 · |A| half units of rounding, in all steps by √30 times as much.
    rounding = torch.finfo(dtype).eps * 4.25 * (300 * 30) ** 0.5
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(spectrum - value).min() <= residual + rounding


def test_no_ritz_value_is_beyond_the_eigenvalue_of_its_rank() -> None:
    matrix = wigner(300, seed=2, spikes=[4.0, 3.0])
    spectrum = np.linalg.eigvalsh(matrix)

    found = run(torch.from_numpy(matrix), 40, seed=0).values

    assert (found[-20:] <= spectrum[-20:] + 1e-12).all()
    assert (found[:20] >= spectrum[:20] - 1e-12).all()


@BOTH
def test_kept_vectors_stay_orthogonal_and_without_keeping_copies_appear(dtype: torch.dtype) -> None:
    diagonal = torch.from_numpy(five_on_a_bulk()).to(dtype)
    kept = Lanczos.random(1000, seed=0, keep=True, dtype=dtype)
    for _ in range(80):
        kept.step(lambda v: diagonal * v)

    basis = torch.stack(kept.basis).double()
    with_all = ritz(*kept.coefficients().numpy())
    without = run(diagonal, 80, seed=0, keep=False)

    # Entries, and the thousand terms of a sum, round by half a unit each, up or down: half of √1000 units in the mean.
    assert (basis @ basis.T - torch.eye(80, dtype=torch.float64)).abs().max() < 0.5 * 1000**0.5 * torch.finfo(dtype).eps
    assert np.count_nonzero(with_all.values > 49) == 1
    assert np.count_nonzero(without.values > 49) > 1
    assert without.values.max() == pytest.approx(50, rel=80 * torch.finfo(dtype).eps)


@dataclass(frozen=True)
class Turning:
    """One of 200 matrices whose top eigenvector turns by a tenth of a radian a probe, within a plane of the bulk.

    Its eigenvalue swings between 10 and 50, so it crosses the second one, 20, which stays.
    """

    product: Product
    spectrum: np.ndarray
    steepest: Tensor


def turning(probe: int) -> Turning:
    spectrum, place, angle, top = five_on_a_bulk(), 100, 0.1 * probe, 30 + 20 * np.sin(probe / 15)
    one, other, second = torch.zeros(3, 1000, dtype=torch.float64)
    one[[0, place]] = torch.tensor([np.cos(angle), np.sin(angle)])
    other[[0, place]] = torch.tensor([-np.sin(angle), np.cos(angle)])
    second[1] = 1.0
    of_other, rest = spectrum[place], torch.from_numpy(spectrum.copy())
    rest[[0, place]] = 0.0
    spectrum[0] = top
    return Turning(
        lambda v: rest * v + top * (one @ v) * one + of_other * (other @ v) * other,
        spectrum,
        one if top > 20 else second,
    )


@pytest.mark.parametrize("steps", [4, 5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_warm_readings_follow_a_top_that_turns_and_is_overtaken(steps: int, seed: int) -> None:
    lanczos = Lanczos.random(1000, seed=seed, keep=True, dtype=torch.float64)
    errors, bounds = [], []

    for probe in range(200):
        now = turning(probe)
        cosine = float((now.steepest @ lanczos._current).abs())
        bounds.append(saads_bound(now.spectrum, (1 / cosine**2 - 1) ** 0.5, steps))
        for _ in range(steps):
            lanczos.step(now.product)
        found = ritz(*lanczos.coefficients().numpy())
        errors.append(found.values[-1] / now.spectrum.max() - 1)
        lanczos = lanczos.successor(found, seed=1000 * seed + probe)

    assert (-np.array(bounds) <= np.array(errors) * 50 + 1e-10).all() and max(errors) <= 1e-12
    assert np.mean(errors[5:]) > -0.01  # what a reading of the sharpness is allowed


def test_a_start_at_the_top_vector_alone_stays_with_it_when_it_is_overtaken() -> None:
    start = follower = normals(1000, seed=1, dtype=torch.float64)
    errors, of_power = [], []

    for probe in range(200):
        now = turning(probe)
        lanczos = Lanczos(start, keep=True)
        for _ in range(3):
            lanczos.step(now.product)
        found = ritz(*lanczos.coefficients().numpy())
        start = lanczos.vector(found.components[:, -1])
        power = iterate_power(now.product, follower, steps=1)
        follower = power.vector
        errors.append(found.values[-1] / now.spectrum.max() - 1)
        of_power.append(power.value.item() / now.spectrum.max() - 1)

    # At its lowest the turning value is 10 where the top is 20. A power step is off by sin² .1 on top of that.
    assert min(errors[5:]) == pytest.approx(-0.5, abs=0.001)
    assert min(of_power[5:]) == pytest.approx(-0.5, abs=0.5 * np.sin(0.1) ** 2 + 0.001)


def test_after_a_reading_that_was_not_finite_the_start_is_random() -> None:
    broken = Lanczos.random(4, seed=0, keep=True)
    broken.step(lambda v: v * float("nan"))

    after = broken.successor(ritz(*broken.coefficients().numpy()), seed=1)
    after.step(lambda v: 2 * v)

    assert ritz(*after.coefficients().numpy()).values.tolist() == pytest.approx([2.0])
    assert not after.random_start


def test_a_warm_start_never_sees_what_it_has_no_part_of() -> None:
    diagonal = torch.tensor([1.0, 2.0, 9.0])  # the last one is new
    warm, fresh = Lanczos(torch.tensor([0.0, 1.0, 0.0]), keep=False), Lanczos.random(3, seed=0, keep=False)

    for _ in range(3):
        warm.step(lambda v: diagonal * v)
        fresh.step(lambda v: diagonal * v)

    assert ritz(*warm.coefficients().numpy()).values.tolist() == [2.0]
    assert ritz(*fresh.coefficients().numpy()).values[-1] == pytest.approx(9.0, rel=1e-5)


@BOTH
def test_a_ritz_vector_is_an_eigenvector_to_its_residual(dtype: torch.dtype) -> None:
    diagonal = torch.from_numpy(five_on_a_bulk()).to(dtype)
    lanczos = Lanczos.random(1000, seed=3, keep=True, dtype=dtype)
    for _ in range(6):
        lanczos.step(lambda v: diagonal * v)
    found = ritz(*lanczos.coefficients().numpy())

    vector = lanczos.vector(found.components[:, -1])

    residual = float((diagonal * vector - found.values[-1] * vector).norm())
    assert residual == pytest.approx(found.residuals[-1], rel=1e-3, abs=50 * 16 * torch.finfo(dtype).eps)
    assert float(vector.norm()) == pytest.approx(1.0, rel=16 * torch.finfo(dtype).eps)


@BOTH
@pytest.mark.parametrize("keep", [True, False])
def test_an_invariant_subspace_ends_the_run_and_more_steps_change_nothing(dtype: torch.dtype, keep: bool) -> None:
    diagonal = torch.zeros(50, dtype=dtype)
    diagonal[:2] = torch.tensor([3.0, -1.0], dtype=dtype)  # three different eigenvalues
    lanczos = Lanczos.random(50, seed=0, keep=keep, dtype=dtype)

    for _ in range(7):
        lanczos.step(lambda v: diagonal * v)

    alphas, betas = lanczos.coefficients().numpy()
    found = ritz(alphas, betas)
    assert betas[2:].tolist() == [0.0] * 5 and alphas[3:].tolist() == [0.0] * 4
    assert found.values.tolist() == pytest.approx([-1.0, 0.0, 3.0], abs=32 * torch.finfo(dtype).eps)
    assert found.residuals.tolist() == [0.0, 0.0, 0.0]


def test_the_zero_matrix_has_one_eigenvalue() -> None:
    assert run(torch.zeros(4), 3, seed=0).values.tolist() == [0.0]


def test_what_is_not_finite_reads_nan_and_not_a_number() -> None:
    broken = Lanczos.random(4, seed=0, keep=True)
    broken.step(lambda v: 2 * v + torch.arange(4.0))
    broken.step(lambda v: v * float("inf"))
    broken.step(torch.clone)
    nowhere = Lanczos(torch.zeros(4), keep=False)
    nowhere.step(torch.clone)

    assert np.isnan(ritz(*broken.coefficients().numpy()).values).tolist() == [True] * 3
    assert np.isnan(ritz(*nowhere.coefficients().numpy()).residuals).tolist() == [True]


def test_three_vectors_are_enough_and_none_of_them_is_the_callers() -> None:
    diagonal, start, places, images = torch.rand(64), torch.ones(64), set(), []
    lanczos = Lanczos(start, keep=False)

    def product(v: Tensor) -> Tensor:
        places.add(v.data_ptr())
        images.append((diagonal * v, diagonal * v))
        return images[-1][0]

    for _ in range(10):
        lanczos.step(product)

    assert len(places) == 2  # the third is the product's own
    assert all(torch.equal(given, copy) for given, copy in images)
    assert torch.equal(start, torch.ones(64))
    assert (lanczos.steps, lanczos.basis, lanczos.random_start) == (10, [], False)


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_is_read_from_the_device_and_no_generator_is_used(keep: bool) -> None:
    before = torch.get_rng_state()

    with NoReading():
        lanczos = Lanczos.random(20, seed=0, keep=keep)
        for _ in range(4):
            lanczos.step(lambda v: 2 * v)
        coefficients = lanczos.coefficients()

    assert coefficients.dtype == torch.float64
    assert torch.equal(before, torch.get_rng_state())


def test_half_precision_of_the_training_around_it_changes_nothing() -> None:
    diagonal = torch.rand(50, generator=torch.Generator().manual_seed(0))
    plain = run(diagonal, 5, seed=0)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = run(diagonal, 5, seed=0)

    assert within.values.tolist() == plain.values.tolist()


def test_products_with_a_graph_leave_none_behind() -> None:
    scale = torch.ones(5, requires_grad=True)
    lanczos = Lanczos.random(5, seed=0, keep=True)

    lanczos.step(lambda v: scale * v)
    lanczos.step(lambda v: scale * v)

    assert not lanczos.coefficients().requires_grad
    assert not combination(lanczos.basis, [1.0, 1.0]).requires_grad


def test_a_product_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the product has shape \(2,\); it must be that of its vector, \(3,\)"):
        Lanczos(torch.ones(3), keep=False).step(lambda v: v[:2])


def test_a_run_without_steps_has_no_coefficients() -> None:
    with pytest.raises(ValueError, match="no step of Lanczos was made; make at least one"):
        Lanczos(torch.ones(3), keep=False).coefficients()


def test_a_ritz_vector_needs_the_basis() -> None:
    lanczos = Lanczos(torch.ones(3), keep=False)
    lanczos.step(torch.clone)

    with pytest.raises(ValueError, match="1 components for 0 kept vectors; run with keep=True"):
        lanczos.vector([1.0])


@pytest.mark.parametrize(("alphas", "betas"), [([1.0, 2.0], [1.0]), ([], [])])
def test_coefficients_that_do_not_pair_are_refused(alphas: list[float], betas: list[float]) -> None:
    text = f"alphas has {len(alphas)} entries and betas {len(betas)}; give as many, at least one"
    with pytest.raises(ValueError, match=text):
        ritz(alphas, betas)
