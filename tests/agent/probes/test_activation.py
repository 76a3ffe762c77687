"""Silent units and zeros, as they come out of a watched job."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.checkpoint import checkpoint

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

UNITS, DEAD, BATCH = 100, 7, 1000
LOOKS, PERIOD, PHASE = 16, 8, 6
JUDGED = (LOOKS - 1) * PERIOD + PHASE  # step of the sixteenth look


def rectifier() -> nn.Module:
    """100 units, each of which sees one Gaussian input of its own; 7 are pushed far below zero."""
    model = nn.Sequential(nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(UNITS))
        model[0].bias.zero_()
        model[0].bias[:DEAD] = -1e9
    return model


def watch(model: nn.Module, steps: int, batch: int = BATCH) -> MemoryOutlet:
    outlet = MemoryOutlet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(batch, UNITS)).square().mean().backward()
        optimizer.step()
    taps.detach()
    return outlet


@pytest.mark.known_answer("zero_fraction")
def test_the_share_of_zeros_of_gaussian_inputs_and_dead_units() -> None:
    torch.manual_seed(0)

    found = watch(rectifier(), 8 * PERIOD).series("zero_fraction/1")

    assert sorted(found) == list(range(PHASE, 8 * PERIOD, PERIOD))
    mean = sum(found.values()) / len(found)
    # 93 units of every example are zero or not by the toss of a coin.
    error = 0.5 * (0.93 / (UNITS * BATCH * len(found))) ** 0.5
    assert mean == pytest.approx(0.07 + 0.93 / 2, abs=4 * error)


@pytest.mark.known_answer("dead_unit_rate", "dead_unit_examples")
def test_units_that_never_fire_are_dead_after_sixteen_looks() -> None:
    torch.manual_seed(0)

    outlet = watch(rectifier(), JUDGED + PERIOD)

    # A living unit is silent on all 16,000 examples with probability 2^-16000.
    assert outlet.series("dead_unit_rate/1") == {JUDGED: pytest.approx(0.07)}
    assert outlet.series("dead_unit_rate") == {JUDGED: pytest.approx(0.07)}
    assert outlet.series("dead_unit_examples") == {JUDGED: LOOKS * BATCH}


def test_a_unit_that_fires_once_in_the_window_lives() -> None:
    outlet, model = MemoryOutlet(), nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for step in range(1, JUDGED + 2):
        model(torch.tensor([[1.0 if step == 3 * PERIOD + PHASE else -1.0, -1.0]])).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("dead_unit_rate/1") == {JUDGED: 0.5}


def test_evaluation_and_recomputation_are_not_counted() -> None:
    outlet = MemoryOutlet()
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(JUDGED + 1):
        model.eval()
        model(torch.randn(64, 4))
        model.train()
        x = torch.randn(8, 4, requires_grad=True)
        checkpoint(model, x, use_reentrant=False).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("dead_unit_examples") == {JUDGED: 8 * LOOKS}


def test_no_hook_is_left_on_the_model_between_looks_and_after() -> None:
    model = rectifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, MemoryOutlet(), clock=lambda: 0.0)
    hooked = []
    for _ in range(2 * PERIOD):
        model(torch.randn(4, UNITS)).sum().backward()
        optimizer.step()
        hooked.append(any(m._forward_hooks or m._forward_pre_hooks for m in model.modules()))
    taps.detach()

    assert [step for step, on in enumerate(hooked, start=1) if on] == [
        PHASE - 1,
        PERIOD - 1,
        PERIOD + PHASE - 1,
        2 * PERIOD - 1,
    ]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_model_without_nonlinearities_has_no_such_series() -> None:
    outlet = MemoryOutlet()
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(2 * PERIOD):
        F.relu(model(torch.randn(4, 3))).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("zero_fraction") == {}
