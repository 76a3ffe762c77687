"""Coherence of gradients that are known, as the plug-in estimate and as its debiased parts."""

import pytest
import torch

from ergoscope.numerics.coherence import coherence_of, helped_by
from ergoscope.numerics.debias import split_by_parts


def of_examples(gradients: torch.Tensor) -> tuple[float, float]:
    """Coherence without bias, and m-coherence, of the rows."""
    m = len(gradients)
    mean = gradients.double().mean(0)
    split = split_by_parts(float(mean @ mean), float(gradients.double().square().sum()) / m**2, m)
    found = coherence_of(split.slope, m * split.noise)
    return found, helped_by(found, examples=m)


@pytest.mark.parametrize("m", [5, 50])
def test_orthogonal_gradients_help_nobody_else_and_equal_ones_everybody(m: int) -> None:
    assert of_examples(torch.eye(m)) == (pytest.approx(0.0, abs=1e-12), pytest.approx(1.0, abs=1e-9))
    assert of_examples(torch.ones(m, 3)) == (pytest.approx(1.0), pytest.approx(m))


def test_opposing_gradients_read_below_zero() -> None:
    found, helped = of_examples(torch.tensor([[1.0], [-1.0]]))

    assert found == pytest.approx(-1.0)
    assert helped == pytest.approx(0.0)


def test_gaussian_gradients_read_a_fifth_without_bias_and_a_little_more_with_it() -> None:
    torch.manual_seed(0)
    size, m, repeats = 400, 64, 200
    mean = torch.zeros(size)
    mean[0] = 2.0  # squared 4; trace 16

    found = torch.tensor([of_examples(mean + 0.2 * torch.randn(m, size)) for _ in range(repeats)], dtype=torch.float64)

    error = found.std(0) / repeats**0.5
    assert float(found[:, 0].mean()) == pytest.approx(0.2, abs=4 * float(error[0]))
    assert float(found[:, 1].mean()) / m == pytest.approx(0.2125, abs=4 * float(error[1]) / m)


def test_without_slope_and_noise_there_is_none() -> None:
    assert coherence_of(0.0, 0.0) != coherence_of(0.0, 0.0)


def test_no_examples_are_refused_with_the_number_seen() -> None:
    with pytest.raises(ValueError, match="examples is 0; it must be at least 1"):
        helped_by(0.5, examples=0)
