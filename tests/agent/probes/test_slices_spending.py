"""A slice takes its share of the time and no more, and the accounts say so."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature.objective import Objective
from ergoscope.probes.slices import probe as slices
from ergoscope.probes.slices.purse import Purse
from ergoscope.readout import DeviceReadout
from ergoscope.taps import attach
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import Valley, always, floats, of_valley


def test_what_is_spent_is_paid_off_before_more_is() -> None:
    purse = Purse(0.25)
    purse.spend(1.0)

    owed = []
    for _ in range(5):
        purse.earn(1.0)
        owed.append(purse.owed)

    assert owed == [0.75, 0.5, 0.25, 0.0, 0.0]


def test_nothing_is_saved_up_for_a_rush() -> None:
    purse = Purse(0.5)
    purse.earn(1000.0)
    purse.spend(1.0)

    assert purse.owed == 1.0


def test_over_time_the_share_is_kept_whatever_things_cost() -> None:
    prices, purse, spent, steps = random.Random(0), Purse(0.1), 0.0, 20_000
    dearest = 0.0

    for _ in range(steps):
        purse.earn(1.0)
        if not purse.owed:
            price = prices.expovariate(0.5)
            dearest = max(dearest, price)
            purse.spend(price)
            spent += price

    # Never more than was earned and the last thing that was bought; and never less, but for a step's rest at each.
    assert 0.1 * steps - 0.1 * spent / 2 - dearest < spent <= 0.1 * steps + dearest


class Clock:
    """Goes on only when something says how long it took."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


FORWARD_S = 0.4  # of the probe batch
STEP_S = 1.0


def spent_on(request: SliceRequest, *, steps: int, step_s: float = STEP_S) -> tuple[MemoryOutlet, list[float]]:
    """A job whose steps and passes over the probe batch take a time; gives that of the probe at each step."""
    clock, model, outlet = Clock(), Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.001)
    passes: list[float] = []

    def loss(model: nn.Module, _: object) -> Tensor:
        clock.now += FORWARD_S
        passes[-1] += FORWARD_S
        return of_valley(model, 0)

    taps = attach(
        model,
        optimizer,
        outlet,
        budget=0.5,
        probe=0,
        loss_fn=loss,
        requests=always(request),
        clock=clock,
    )
    # Whatever else looks at the batch is left out.
    monitor = taps._monitor
    monitor._schedule.due = lambda step: [task == 0 for task in range(len(monitor._schedule.tasks))]  # type: ignore[method-assign]  # forced
    monitor._agenda.next = monitor._schedule.due(0)
    for _ in range(steps):
        passes.append(0.0)
        clock.now += step_s
        optimizer.zero_grad()
        model().backward()
        optimizer.step()
    taps.detach()
    return outlet, passes


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_a_slice_takes_its_share_and_a_slot_at_most(share: float) -> None:
    outlet, passes = spent_on(SliceRequest("s1", points=11, share=share), steps=400)

    assert not outlet.grids()[-1].partial
    worked = [step for step, seconds in enumerate(passes) if seconds]
    for first in range(len(worked)):  # from each slot to each later one
        for last in range(first, len(worked)):
            seconds = sum(passes[worked[first] : worked[last] + 1])
            trained = STEP_S * (worked[last] - worked[first])
            assert seconds <= share * trained + 2 * FORWARD_S + 1e-9  # a slot is a pass, or two with the graph's
    assert max(passes) <= 2 * FORWARD_S + 1e-9


def test_without_a_share_of_its_own_it_is_the_runs_budget() -> None:
    own, _ = spent_on(SliceRequest("s1", points=11, share=0.5), steps=200)
    run, _ = spent_on(SliceRequest("s1", points=11), steps=200)

    assert len(own.grids()) == len(run.grids())
    assert [grid.step for grid in own.grids()] == [grid.step for grid in run.grids()]


def test_where_steps_are_long_a_slot_takes_a_row_and_where_they_are_short_a_point() -> None:
    request = SliceRequest("s1", axes="random", dimensions=2, points=5, share=1.0)

    long, _ = spent_on(request, steps=60, step_s=100 * FORWARD_S)
    short, passes = spent_on(request, steps=400, step_s=0.1 * FORWARD_S)

    assert len(long.grids()) == len(short.grids()) == 5
    assert not long.grids()[-1].partial
    assert sum(1 for seconds in passes if seconds == FORWARD_S) >= 24  # all points but the centre


def test_the_overhead_that_is_told_holds_it() -> None:
    outlet, passes = spent_on(SliceRequest("s1", axes="random", dimensions=2, points=21, share=0.5), steps=400)

    # Half a second is earned at each step and a pass of .4 s is bought; 400 steps later the beginning is forgotten.
    assert passes[-300:] == [FORWARD_S] * 300
    assert outlet.series("agent_overhead")[400] == pytest.approx(100 * FORWARD_S / STEP_S, rel=0.01)


class Slow(DeviceReadout):
    """Numbers that need three looks to arrive."""

    def __init__(self, values: Tensor) -> None:
        super().__init__(values)
        self.looks = 0

    def ready(self) -> bool:
        self.looks += 1
        return self.looks > 3


def numbers_of(requests: Sequence[SliceRequest]) -> list[Grid]:
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = attach(model, optimizer, outlet, probe=0, loss_fn=of_valley, requests=always(*requests), clock=lambda: 0.0)
    for _ in range(80):
        optimizer.zero_grad()
        model().backward()
        optimizer.step()
    taps.detach()
    return outlet.grids()


def test_numbers_that_are_still_on_the_device_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    request = SliceRequest("s1", points=5)
    quick = numbers_of([request])

    monkeypatch.setattr(slices, "read_out", Slow)
    slow = numbers_of([request])

    assert slow[-1] == quick[-1]
    assert np.isfinite(floats(slow[-1].values)).all()


class Device:
    """A stopwatch that sees each lap keep a device busy for two seconds."""

    def __init__(self, _: object) -> None:
        self.seconds = 0.0

    @contextmanager
    def lap(self, _: object) -> Iterator[None]:
        yield
        self.seconds += 2.0

    def overtime(self) -> float:
        seconds, self.seconds = self.seconds, 0.0
        return seconds


def test_what_a_device_takes_beyond_the_host_is_paid_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "Stopwatch", Device)
    model, step = Valley(), 0
    charged: list[tuple[int, float]] = []
    grids: list[Grid] = []
    probe = slices.SliceProbe(
        Objective(model, lambda m: of_valley(m, 0)),
        [SGD(model.parameters(), lr=0.01)],
        always(SliceRequest("s1", axes="random", points=5, share=0.5)),
        budget=0.02,
        publish=grids.append,
        tell=lambda _: None,
        charge=lambda host, device: charged.append((step, device)),
        clock=lambda: 0.0,
    )

    while not grids or grids[-1].partial:
        step += 1
        with torch.no_grad():
            model.weight += 0.01
        probe.stepped(step, 1.0)

    told = [at for at, device in charged if device]
    assert {device for _, device in charged} == {0.0, 2.0}
    assert {later - earlier for earlier, later in pairwise(told[1:])} == {5}  # told a step later, then paid off in four
