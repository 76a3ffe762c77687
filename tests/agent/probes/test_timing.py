"""Step time and overhead with a clock that is handed in."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.probes.gradient import GradientProbe
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def train(clock: Clock, outlet: MemoryOutlet, steps: list[float], *, budget: float = 1.0) -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = SGD([parameter], lr=0.1)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=clock, budget=budget)
    for seconds in steps:
        clock.advance(seconds)
        parameter.grad = torch.ones(2)
        optimizer.step()
    taps.detach()


@pytest.mark.known_answer("step_time")
def test_step_times_are_the_clocks_own_differences() -> None:
    clock, outlet = Clock(), MemoryOutlet()

    train(clock, outlet, [5.0, 0.5, 0.25, 2.0, 0.125])

    assert outlet.series("step_time") == {2: 0.5, 3: 0.25, 4: 2.0, 5: 0.125}


@pytest.mark.known_answer("agent_overhead")
def test_a_hook_of_one_in_a_step_of_a_hundred_and_one_reads_one_percent() -> None:
    clock, outlet = Clock(), MemoryOutlet()
    outlet.on_row = lambda: clock.advance(0.5)  # two rows a step, each takes half a second in our hook

    train(clock, outlet, [100.0] * 30)

    overhead = outlet.series("agent_overhead")
    # Step n's row is written at n + 1, so the second step has nothing to show yet and later ones all but that.
    assert overhead[2] == 0.0
    assert overhead[30] == pytest.approx(1.0, rel=0.06)
    assert outlet.series("step_time")[30] == pytest.approx(101.0)


def test_short_steps_thin_all_but_the_row_of_the_loss_and_the_page_is_told() -> None:
    clock, outlet = Clock(), MemoryOutlet()
    outlet.on_row = lambda: clock.advance(1e-4)

    train(clock, outlet, [5e-4] * 600, budget=0.05)

    thinned = {quantity: event for event in outlet.events("thinned") for quantity in event.data["quantities"]}
    assert "loss" not in thinned
    assert thinned["grad_norm"].data["period"] == 64  # the row of the loss alone is beyond 5 % of 0.5 ms
    assert thinned["weight_norm"].data["period"] == 256  # 512 by now, which is told when it has grown fourfold
    assert thinned["grad_norm"].text.startswith(f"{', '.join(GradientProbe.produces)}: now every 64 steps")
    assert "and the budget is 5 % of a step" in thinned["grad_norm"].text
    assert sorted(outlet.series("step_time")) == list(range(2, 601))
    assert list(outlet.series("agent_overhead").values())[-1] == pytest.approx(20, rel=0.2)  # 0.1 ms of 0.5 ms, said


@pytest.mark.parametrize("steps", [0, 1])
def test_before_the_second_step_both_are_absent(steps: int) -> None:
    clock, outlet = Clock(), MemoryOutlet()

    train(clock, outlet, [1.0] * steps)

    assert outlet.series("step_time") == {}
    assert outlet.series("agent_overhead") == {}
