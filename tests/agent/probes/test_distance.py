"""How far the weights of a watched job have gone, where it is known."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.numerics.distance import KEPT
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

PERIOD = 32


def walk(model: nn.Module, gradients: list[torch.Tensor], *, steps: int, start_step: int = 0) -> MemoryOutlet:
    """Walk straight on with a learning rate of .5."""
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=0.5)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=start_step)
    for _ in range(steps):
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def texts(outlet: MemoryOutlet) -> list[str]:
    return [event.text for event in outlet.events("agent") if "distance" in event.text]


@pytest.mark.known_answer("dist_from_init")
def test_a_straight_walk_is_its_steps_times_their_length() -> None:
    torch.manual_seed(0)
    model = nn.ParameterList([nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, KEPT))])
    moves = [torch.tensor([1.0, 2.0, 2.0]), torch.randn(2, KEPT) / 1000]

    outlet = walk(model, moves, steps=3 * PERIOD)

    for step in (PERIOD, 2 * PERIOD, 3 * PERIOD):
        small, large = (0.5 * step * float(move.norm()) for move in moves)
        assert outlet.series("dist_from_init/0")[step] == pytest.approx(small, rel=1e-5)
        # The second is sketched: its square has the standard deviation sqrt(2 / 1021) of itself.
        error = 4 * (2 / 1021) ** 0.5
        square = outlet.series("dist_from_init/1")[step] ** 2
        assert square == pytest.approx(large**2, rel=error)
        assert outlet.series("dist_from_init")[step] ** 2 == pytest.approx(small**2 + square, rel=1e-5)
    assert texts(outlet) == [
        "the distance from the start is read from sketches, with an error of 2.2 %, in layers of more than "
        "65,344 entries"
    ]


def test_the_first_step_counts_too() -> None:
    outlet = walk(nn.ParameterList([nn.Parameter(torch.ones(1))]), [torch.ones(1)], steps=PERIOD)

    assert outlet.series("dist_from_init") == {PERIOD: pytest.approx(0.5 * PERIOD)}
    assert texts(outlet) == []


def test_after_a_resume_it_is_absent_with_the_reason() -> None:
    outlet = walk(nn.ParameterList([nn.Parameter(torch.ones(1))]), [torch.ones(1)], steps=PERIOD, start_step=64)

    assert outlet.series("dist_from_init") == {}
    (event,) = [e for e in outlet.events("agent") if "distance" in e.text]
    assert event.text == (
        "the distance from the start is absent: the run was resumed at step 64, and where it began is not known"
    )
    assert event.data == {"absent": True, "quantities": ["dist_from_init"]}


def test_parameters_that_come_later_are_measured_from_where_they_came() -> None:
    outlet = MemoryOutlet()
    model = nn.ParameterList([nn.Parameter(torch.zeros(1))])
    optimizer = SGD(model.parameters(), lr=1.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for step in range(1, 2 * PERIOD + 1):
        if step == PERIOD:  # measured at this step for the first time, after it
            late = nn.Parameter(torch.zeros(1))
            optimizer.add_param_group({"params": [late]})
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones(1)
        optimizer.step()
    taps.detach()

    assert outlet.series("dist_from_init/0")[2 * PERIOD] == pytest.approx(2 * PERIOD)
    assert outlet.series("dist_from_init/optimizer0.param1") == {PERIOD: 0.0, 2 * PERIOD: pytest.approx(PERIOD)}


def test_weights_that_are_sparse_or_of_another_shape_leave_it_absent() -> None:
    outlet = MemoryOutlet()
    weight = nn.Parameter(torch.zeros(2))
    optimizer = SGD([weight], lr=1.0)
    taps = attach(nn.ParameterList([weight]), optimizer, outlet, clock=lambda: 0.0)
    for step in range(1, PERIOD + 1):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        if step == 4:
            weight.data = torch.zeros(3)
    assert taps.alive
    taps.detach()

    assert outlet.series("dist_from_init") == {}
    assert outlet.series("weight_norm")[PERIOD] > 0


def test_empty_parameters_do_not_matter() -> None:
    model = nn.ParameterList([nn.Parameter(torch.zeros(0)), nn.Parameter(torch.zeros(1))])

    outlet = walk(model, [torch.zeros(0), torch.ones(1)], steps=PERIOD)

    assert outlet.series("dist_from_init") == {PERIOD: pytest.approx(0.5 * PERIOD)}
