"""Histograms of gradients and weights, one layer a step."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

POWERS = torch.tensor([1.0, -2.0, 0.25, 0.0, 3.0])


def watch(weights: torch.Tensor, gradient: torch.Tensor) -> MemoryOutlet:
    outlet, parameter = MemoryOutlet(), nn.Parameter(weights.clone())
    optimizer = SGD([parameter], lr=0.0)
    taps = attach(nn.ParameterDict({"w": parameter}), optimizer, outlet, clock=lambda: 0.0)
    parameter.grad = gradient
    optimizer.step()
    taps.detach()
    return outlet


def bins(counts: list[int]) -> dict[int, int]:
    """Count by exponent."""
    return {index - 40: count for index, count in enumerate(counts) if count}


@pytest.mark.known_answer("grad_hist")
def test_gradients_of_known_powers_of_two_fall_in_their_bins() -> None:
    (record,) = watch(torch.ones(5), POWERS).histograms("grad_hist/w")

    assert (record.step, record.low, record.zeros, record.nonfinite, record.sampled) == (1, -40, 1, 0, None)
    assert bins(record.positive) == {-2: 1, 0: 1, 1: 1}
    assert bins(record.negative) == {1: 1}


@pytest.mark.known_answer("weight_hist")
def test_weights_of_known_powers_of_two_fall_in_their_bins() -> None:
    (record,) = watch(POWERS, torch.zeros(5)).histograms("weight_hist/w")

    assert (record.step, record.low, record.zeros, record.nonfinite, record.sampled) == (1, -40, 1, 0, None)
    assert bins(record.positive) == {-2: 1, 0: 1, 1: 1}
    assert bins(record.negative) == {1: 1}
    assert sum(record.positive) + sum(record.negative) + record.zeros == 5


def test_layers_take_turns_and_those_without_a_gradient_are_passed_over() -> None:
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(torch.ones(2)) for _ in range(3)])
    model[1].requires_grad_(False)
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(4):
        model[0].grad, model[2].grad = torch.ones(2), torch.ones(2)
        optimizer.step()
    taps.detach()

    steps = {key: [h.step for h in outlet.histograms(f"grad_hist/{key}")] for key in (0, 1, 2)}
    assert steps == {0: [1, 3], 1: [], 2: [2, 4]}


@pytest.mark.known_answer("update_hist")
@pytest.mark.parametrize("rate", [0.5, torch.tensor(0.5)])  # known from the gradient, and from a copy of the weights
def test_moves_of_known_powers_of_two_fall_in_their_bins(rate: float | torch.Tensor) -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(5))
    optimizer = SGD([parameter], lr=rate)
    taps = attach(nn.ParameterDict({"w": parameter}), optimizer, outlet, clock=lambda: 0.0, start_step=7)

    parameter.grad = POWERS
    optimizer.step()  # by -.5, 1, -.125, 0 and -1.5
    taps.detach()

    (record,) = outlet.histograms("update_hist/w")
    assert (record.step, record.zeros, record.nonfinite, record.sampled) == (8, 1, 0, None)
    assert bins(record.positive) == {0: 1}
    assert bins(record.negative) == {-3: 1, -1: 1, 0: 1}


def test_moves_take_turns_of_their_own() -> None:
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(torch.ones(2)) for _ in range(3)])
    model[1].requires_grad_(False)
    optimizer = SGD(model.parameters(), lr=0.5)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(24):
        model[0].grad, model[2].grad = torch.ones(2), torch.ones(2)
        optimizer.step()
    taps.detach()

    steps = {key: [h.step for h in outlet.histograms(f"update_hist/{key}")] for key in (0, 1, 2)}
    assert steps == {0: [8, 24], 1: [], 2: [16]}


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_moves_of_an_optimizer_that_maximizes_are_not_shown_the_wrong_way_round(momentum: float) -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(5))
    optimizer = SGD([parameter], lr=0.5, momentum=momentum, maximize=True)
    taps = attach(nn.ParameterDict({"w": parameter}), optimizer, outlet, clock=lambda: 0.0, start_step=7)

    parameter.grad = POWERS
    optimizer.step()  # by .5, -1, .125, 0 and 1.5
    taps.detach()

    shown = [(bins(h.positive), bins(h.negative)) for h in outlet.histograms("update_hist/w")]
    assert shown == ([({-3: 1, -1: 1, 0: 1}, {0: 1})] if momentum else [])  # without momentum it is not at hand
