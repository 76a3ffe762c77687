"""How far answers to a fixed batch have moved, where that is known."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD

from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.trials import LossFn, finish, said, watch


def answering(answers: list[Tensor], loss_fn: LossFn) -> MemoryOutlet:
    """A job whose model is its answers, with these ones at its steps."""
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(answers[0].clone())])
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = watch(model, optimizer, outlet, loss_fn=loss_fn)
    for now in answers:
        if now.shape != model[0].shape:
            model[0].data = now.clone()
        model[0].data.copy_(now)
        model[0].grad = torch.zeros_like(now)
        optimizer.step()
    finish(taps)
    return outlet


def labelled(model: nn.Module, _: object) -> Tensor:
    logits: Tensor = model[0]  # type: ignore[assignment, index]  # a list
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64), reduction="none")


@pytest.mark.known_answer("trajectory_kl")
def test_from_even_odds_to_three_to_one_it_is_half_the_logarithm_of_four_thirds() -> None:
    even, tilted = torch.zeros(3, 2), torch.tensor([[math.log(3), 0.0]]).repeat(3, 1)

    outlet = answering([even, tilted], labelled)

    assert outlet.series("trajectory_kl") == {2: pytest.approx(0.143841, abs=1e-6)}


@pytest.mark.known_answer("trajectory_kl_soft")
def test_small_moves_are_measured_by_the_fisher_metric_at_both_temperatures() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, noise = torch.randn(2, 2000, 10, generator=generator, dtype=torch.float64)
    move = 0.01 * noise

    outlet = answering([logits, logits + move], labelled)

    for key, temperature in (("trajectory_kl", 1.0), ("trajectory_kl_soft", 5.0)):
        chance = torch.softmax(logits / temperature, dim=-1)
        quadratic = 0.5 * ((chance * move**2).sum(-1) - (chance * move).sum(-1) ** 2).mean() / temperature**2
        # Of third order in the move is .01, whose mean over 20 000 entries is below 1e-3; fp32 adds 1e-5.
        assert outlet.series(key)[2] == pytest.approx(float(quadratic), rel=1e-3)


def test_tokens_that_do_not_count_do_not_count() -> None:
    def masked(model: nn.Module, _: object) -> Tensor:
        return F.cross_entropy(model[0], torch.tensor([0, -100]), reduction="none")  # type: ignore[arg-type, index]  # a list

    outlet = answering([torch.zeros(2, 2), torch.tensor([[math.log(3), 0.0], [9.0, 0.0]])], masked)

    assert outlet.series("trajectory_kl")[2] == pytest.approx(0.143841, abs=1e-6)


def test_an_answer_with_two_sides_is_a_distribution_as_well() -> None:
    def sided(model: nn.Module, _: object) -> Tensor:
        return F.binary_cross_entropy_with_logits(model[0], torch.ones(3), reduction="none")  # type: ignore[arg-type, index]  # a list

    outlet = answering([torch.zeros(3), torch.full((3,), math.log(3))], sided)

    assert outlet.series("trajectory_kl")[2] == pytest.approx(0.143841, abs=1e-6)
    assert outlet.series("trajectory_kl_soft")[2] > 0


@pytest.mark.parametrize("way", ["mse_loss", "square"])
def test_a_regression_is_measured_in_units_of_what_it_leaves_unexplained(way: str) -> None:
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])

    def squared(model: nn.Module, _: object) -> Tensor:
        out: Tensor = model[0]  # type: ignore[assignment, index]  # a list
        errors = F.mse_loss(out, targets, reduction="none") if way == "mse_loss" else (out - targets) ** 2
        return errors.mean(1)

    outlet = answering([targets + 3.0, targets + 2.0], squared)

    assert outlet.series("trajectory_kl") == {2: pytest.approx(0.5 * 2 * 1.0**2 / 2.0**2)}
    assert outlet.series("trajectory_kl_soft") == {}


def test_answers_of_another_shape_begin_anew() -> None:
    outlet = answering([torch.zeros(2, 2), torch.ones(3, 2), torch.ones(3, 2)], labelled)

    assert outlet.series("trajectory_kl") == {3: 0.0}


def test_of_more_than_a_million_entries_some_examples_are_compared() -> None:
    rows = (1 << 20) // 256 // 2
    even = torch.zeros(2 * rows + 2, 512)  # twice as many as are kept, and two
    tilted = torch.zeros(1, 512).index_fill(1, torch.arange(256), math.log(3)).expand_as(even)

    outlet = answering([even, tilted], labelled)

    assert outlet.series("trajectory_kl")[2] == pytest.approx(0.143841, abs=1e-6)


def test_a_loss_whose_answers_cannot_be_read_is_said_once() -> None:
    outlet = answering([torch.zeros(2, 2)] * 3, lambda model, _: model[0].var(1))  # type: ignore[index]  # a list

    assert outlet.series("trajectory_kl") == {}
    (text,) = said(outlet, "trajectory_kl", "trajectory_kl_soft")
    assert text == (
        "how fast the answers change is not measured: no cross-entropy or squared error that torch itself computes, "
        "and that can be read, was found near the loss of the probe batch"
    )
