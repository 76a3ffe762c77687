"""Silent units and zeros, as they come out of a watched job."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.checkpoint import checkpoint

from ergoscope.shards import Seat
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


def test_the_model_can_be_saved_and_copied_after_every_step_and_the_copy_is_not_heard() -> None:
    outlet, model = MemoryOutlet(), rectifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(JUDGED + 1):
        model(torch.randn(4, UNITS)).sum().backward()
        optimizer.step()
        pickle.dumps(model)
        copy.deepcopy(model)(torch.randn(64, UNITS))
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    taps.detach()

    assert outlet.series("dead_unit_examples") == {JUDGED: 4 * LOOKS}
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_a_nonlinearity_that_is_called_twice_counts_as_two() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.relu = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.ReLU()
            with torch.no_grad():
                self.first.weight.copy_(torch.eye(2))
                self.second.weight.copy_(-torch.eye(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.relu(self.first(x))
            out: torch.Tensor = self.relu(self.second(hidden))
            return out

    outlet, model = MemoryOutlet(), Shared()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(JUDGED + 1):
        for _ in range(2):  # micro-batches
            model(torch.ones(3, 2)).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("dead_unit_rate/relu") == {JUDGED: 0.0}
    assert outlet.series("dead_unit_rate/relu.2") == {JUDGED: 1.0}
    assert outlet.series("dead_unit_examples") == {JUDGED: 2 * 3 * LOOKS}


def bins(counts: list[int]) -> dict[int, int]:
    """Count by exponent."""
    return {index - 40: count for index, count in enumerate(counts) if count}


class Twice(nn.Module):
    """Two nonlinearities, of which the first is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.relu, self.leak = nn.Linear(1, 1, bias=False), nn.ReLU(), nn.ELU()
        nn.init.ones_(self.scale.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.leak(2 * self.relu(4 * self.relu(self.scale(x))) - 1e9)
        return out


@pytest.mark.known_answer("activation_hist")
def test_outputs_of_known_powers_of_two_fall_in_their_bins_one_call_after_the_other() -> None:
    outlet, model = MemoryOutlet(), Twice()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(62):
        for _ in range(2):  # micro-batches
            model(torch.tensor([[1.0], [-2.0], [0.25], [3.0], [0.0]])).sum().backward()
        optimizer.step()
    taps.detach()

    keys = ("relu", "relu.2", "leak")
    first, second, third = (outlet.histograms(f"activation_hist/{key}") for key in keys)
    assert [[record.step for record in found] for found in (first, second, third)] == [[14, 62], [30], [46]]
    assert [bins(record.positive) for record in first + second] == [
        {-2: 2, 0: 2, 1: 2},
        {-2: 2, 0: 2, 1: 2},
        {0: 2, 2: 2, 3: 2},
    ]
    assert bins(third[0].negative) == {0: 10}  # -1 + e^-1e9 is rounded to -1
    for record in (*first, *second, *third):
        assert record.sampled is None
        assert record.nonfinite == 0
        assert sum(record.positive) + sum(record.negative) + record.zeros == 10


def test_of_a_large_output_a_part_is_counted() -> None:
    outlet, model = MemoryOutlet(), nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=12)
    for _ in range(2):
        model(torch.ones(70_000, 1)).sum().backward()
        optimizer.step()
    taps.detach()

    (record,) = outlet.histograms("activation_hist/1")
    assert record.sampled == len(range(0, 70_000, 3))
    assert sum(record.positive) + record.zeros == record.sampled


def test_a_process_that_answers_for_no_parameter_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.layers.seat", lambda: Seat(rank=1, world=2))
    model = rectifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, MemoryOutlet(), clock=lambda: 0.0)
    listened = []
    for _ in range(2 * PERIOD):
        model(torch.randn(4, UNITS)).sum().backward()
        optimizer.step()
        listened.append(bool(torch.nn.modules.module._global_forward_hooks))
    taps.detach()

    assert not any(listened)


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
