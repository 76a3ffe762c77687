"""A slice that is interrupted, or not asked for any more, in its midst."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature.objective import Objective
from ergoscope.probes.slices import probe as slices
from ergoscope.readout import Readout, read_out
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import Valley, always, descend, of_valley
from tests.agent.probes.sliced import watch as watch_always

FIRST, SECOND = SliceRequest("s1", points=5), SliceRequest("s2", axes="random", points=5)
Asked = Callable[[], Sequence[SliceRequest] | None]


def probe_of(
    model: nn.Module, loss: Callable[[nn.Module], Tensor], asked: Asked, grids: list[Grid]
) -> slices.SliceProbe:
    return slices.SliceProbe(
        Objective(model, loss),
        [SGD(model.parameters(), lr=0.01)],
        asked,
        budget=0.02,
        publish=grids.append,
        tell=lambda _: None,
        charge=lambda host, device: None,
        clock=lambda: 0.0,
    )


def train(model: Valley, probe: slices.SliceProbe, steps: range) -> int:
    """Go on whatever is raised, as a job that catches it does; gives how often that was."""
    interrupts = 0
    for step in steps:
        with torch.no_grad():
            model.weight += 0.01
        before = model.weight.detach().clone()
        try:
            probe.stepped(step, 1.0)
        except (KeyboardInterrupt, SystemExit):
            interrupts += 1
        assert torch.equal(model.weight.detach(), before)
    return interrupts


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at", [1, 4, 8])
def test_what_an_interrupt_broke_off_is_answered_and_the_next_is_measured(error: type[BaseException], at: int) -> None:
    model, grids, calls = Valley(), list[Grid](), list[int]()

    def loss(model: nn.Module) -> Tensor:
        calls.append(1)
        if len(calls) == at:
            raise error
        return of_valley(model, 0)

    interrupts = train(model, probe_of(model, loss, always(FIRST, SECOND), grids), range(1, 60))

    assert interrupts == 1
    answers = [(grid.request, grid.refused) for grid in grids if not grid.partial]
    assert answers == [("s1", "it was interrupted; ask again"), ("s2", "")]


def test_numbers_that_an_interrupt_lost_are_not_taken_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    model, grids, readings = Valley(), list[Grid](), list[int]()

    def interrupted(values: Tensor) -> Readout:
        readings.append(1)
        if len(readings) == 3:
            raise KeyboardInterrupt
        return read_out(values)

    monkeypatch.setattr(slices, "read_out", interrupted)
    interrupts = train(model, probe_of(model, lambda m: of_valley(m, 0), always(FIRST), grids), range(1, 60))

    assert interrupts == 1
    assert [grid.refused for grid in grids if not grid.partial] == ["it was interrupted; ask again"]


def test_what_is_not_asked_any_more_is_let_go_and_the_next_is_measured() -> None:
    model, grids, asked = Valley(), list[Grid](), [FIRST]
    probe = probe_of(model, lambda m: of_valley(m, 0), lambda: asked, grids)

    train(model, probe, range(1, 7))
    begun = probe._order is not None
    asked.clear()
    train(model, probe, range(7, 60))
    held, before = probe._order, len(grids)
    asked.append(SECOND)
    train(model, probe, range(60, 120))

    assert (begun, held) == (True, None)
    assert {grid.request for grid in grids[:before]} <= {"s1"} and all(grid.partial for grid in grids[:before])
    assert [(grid.request, grid.refused) for grid in grids[before:] if not grid.partial] == [("s2", "")]


def test_what_waits_behind_another_can_be_taken_back_too() -> None:
    model, grids, asked = Valley(), list[Grid](), [FIRST, SECOND]
    probe = probe_of(model, lambda m: of_valley(m, 0), lambda: asked, grids)

    train(model, probe, range(1, 5))
    asked.remove(SECOND)
    train(model, probe, range(5, 120))

    assert {grid.request for grid in grids} == {"s1"}
    assert not grids[-1].partial


def test_while_nothing_is_new_what_is_asked_goes_on() -> None:
    model, grids = Valley(), list[Grid]()
    letters = iter([[FIRST]])
    probe = probe_of(model, lambda m: of_valley(m, 0), lambda: next(letters, None), grids)

    train(model, probe, range(1, 60))

    assert (grids[-1].refused, grids[-1].partial) == ("", False)


def test_a_reason_of_any_length_is_told_by_its_beginning() -> None:
    def failing(model: nn.Module, _: object) -> Tensor:
        raise ValueError("no " * 10_000)

    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch_always(model, optimizer, outlet, FIRST, loss_fn=failing)
    descend(model, optimizer, 30)
    taps.detach()

    assert outlet.grids()[0].refused == ("no " * 10_000)[:2048]
