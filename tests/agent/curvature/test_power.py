"""Power iteration against its own formula, and against Lanczos."""

import numpy as np
import pytest
import torch

from ergoscope.curvature.lanczos import Lanczos, ritz
from ergoscope.curvature.power import iterate_power
from ergoscope.curvature.vectors import normals
from tests.agent.curvature.matrices import five_on_a_bulk
from tests.agent.curvature.no_reading import NoReading


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_the_value_is_the_ratio_of_two_moments_of_the_start(steps: int) -> None:
    spectrum = five_on_a_bulk()
    start, diagonal = normals(1000, seed=0, dtype=torch.float64), torch.from_numpy(spectrum)

    found = iterate_power(lambda v: diagonal * v, start, steps=steps)

    above, below = (np.sum(spectrum ** (2 * steps - less) * start.numpy() ** 2) for less in (1, 2))
    assert found.value.item() == pytest.approx(above / below, rel=1e-12)


def test_at_equal_cost_lanczos_is_never_behind() -> None:
    diagonal = torch.from_numpy(five_on_a_bulk())

    for seed in range(10):
        start = normals(1000, seed=seed, dtype=torch.float64)
        power = iterate_power(lambda v: diagonal * v, start, steps=5).value.item()
        lanczos = Lanczos(start, keep=False)
        for _ in range(5):
            lanczos.step(lambda v: diagonal * v)
        top = ritz(*lanczos.coefficients().numpy()).values[-1]

        # The largest quotient over the whole Krylov space; below the eigenvalue but for rounding.
        assert power <= top <= 50 * (1 + 1e-12)


def test_a_larger_negative_eigenvalue_wins_and_keeps_its_sign() -> None:
    diagonal = torch.tensor([-3.0, 2.0, 1.0], dtype=torch.float64)

    found = iterate_power(lambda v: diagonal * v, torch.ones(3, dtype=torch.float64), steps=60)

    assert found.value.item() == pytest.approx(-3.0, abs=1e-15 + 5 * (2 / 3) ** 118)
    # The vector was off by (2/3)^59 when it was multiplied, and the difference of the eigenvalues is 5.
    assert found.residual.item() <= 5 * 1.01 * (2 / 3) ** 59
    assert found.vector.abs().tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)


def test_the_zero_matrix_has_the_eigenvalue_zero() -> None:
    found = iterate_power(torch.zeros_like, torch.ones(3), steps=3)

    assert (found.value.item(), found.residual.item()) == (0.0, 0.0)


def test_no_step_is_refused_with_the_number_seen() -> None:
    with pytest.raises(ValueError, match="steps is 0; it must be at least 1"):
        iterate_power(torch.clone, torch.ones(3), steps=0)


def test_nothing_is_read_from_the_device() -> None:
    with NoReading():
        found = iterate_power(lambda v: 2 * v, torch.ones(3), steps=2)

    assert found.value.item() == pytest.approx(2.0, rel=1e-6)
