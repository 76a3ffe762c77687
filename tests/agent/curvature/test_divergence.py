"""Divergence of two readings of the outputs."""

import math

import pytest
import torch

from ergoscope.curvature.divergence import output_change, trajectory_kl


def test_two_points_have_their_known_divergence() -> None:
    even, tilted = torch.zeros(3, 2), torch.tensor([[math.log(3), 0.0]]).expand(3, 2)

    found = trajectory_kl(even, tilted)

    assert float(found) == pytest.approx(0.5 * math.log(4 / 3), abs=1e-7)  # .143841; logits in fp32
    assert found.ndim == 0 and found.dtype == torch.float64


@pytest.mark.parametrize("temperature", [1.0, 5.0])
def test_small_moves_are_measured_by_the_fisher_metric(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    before, noise = torch.randn(2, 2000, 10, generator=generator, dtype=torch.float64)
    move = 0.01 * noise
    chance = torch.softmax(before / temperature, dim=-1)
    quadratic = 0.5 * ((chance * move**2).sum(-1) - (chance * move).sum(-1) ** 2).mean() / temperature**2

    found = trajectory_kl(before, before + move, temperature=temperature)

    # The next term is of third order in the move, δ/τ = .01 at most in units of the quadratic one.
    assert float(found / quadratic) == pytest.approx(1.0, abs=1e-3)


def test_it_is_not_symmetric_and_zero_only_where_nothing_changed() -> None:
    one, other = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0]])

    assert float(trajectory_kl(one, one + 7.0)) == pytest.approx(0.0, abs=1e-12)  # logits up to a constant
    assert float(trajectory_kl(one, other)) > 0
    assert float(trajectory_kl(one, other)) != pytest.approx(float(trajectory_kl(other, one)), rel=0.01)


def test_padding_does_not_count_even_where_it_is_broken() -> None:
    before, after = torch.zeros(1, 3, 2), torch.zeros(1, 3, 2)
    after[0, 0, 0] = math.log(3)
    after[0, 2] = torch.nan
    mask = torch.tensor([[1, 1, 0]])

    found = trajectory_kl(before, after, mask=mask)

    assert float(found) == pytest.approx(0.5 * math.log(4 / 3) / 2, abs=1e-7)


def test_classes_that_are_ruled_out_add_nothing() -> None:
    before = torch.tensor([[0.0, 0.0, -torch.inf]])
    after = torch.tensor([[math.log(3), 0.0, -torch.inf]])

    assert float(trajectory_kl(before, after)) == pytest.approx(0.5 * math.log(4 / 3), abs=1e-7)


def test_nothing_that_counts_is_no_number() -> None:
    assert trajectory_kl(torch.zeros(1, 2), torch.zeros(1, 2), mask=torch.tensor([False])).isnan()


def test_a_regression_is_measured_in_units_of_what_it_leaves_unexplained() -> None:
    before, after = torch.zeros(4, 2), torch.tensor([[3.0, 4.0]]).expand(4, 2)

    assert float(output_change(before, after, variance=5.0)) == 2.5
    assert float(output_change(before, after, variance=torch.tensor(5.0))) == 2.5
    assert float(output_change(before, after, variance=5.0, mask=torch.tensor([1, 1, 0, 0]))) == 2.5


def test_other_shapes_and_temperatures_are_refused() -> None:
    text = r"outputs had shape \(2, 3\) and now \(2, 2\); they must be equal"
    with pytest.raises(ValueError, match=text):
        trajectory_kl(torch.zeros(2, 3), torch.zeros(2, 2))
    with pytest.raises(ValueError, match=text):
        output_change(torch.zeros(2, 3), torch.zeros(2, 2), variance=1.0)
    with pytest.raises(ValueError, match=r"temperature is 0\.0; it must be above 0"):
        trajectory_kl(torch.zeros(2, 3), torch.zeros(2, 3), temperature=0.0)
