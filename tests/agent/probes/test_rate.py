"""Learning rates as the steps used them, and which of their changes are marked."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, StepLR

from ergoscope.probes.rate import RateProbe
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet


def optimizer(lr: float = 1.0) -> SGD:
    return SGD([nn.Parameter(torch.ones(1))], lr=lr)


@pytest.mark.known_answer("lr")
def test_a_rate_halved_every_ten_steps_is_logged_step_by_step_and_marked() -> None:
    outlet, sgd = MemoryOutlet(), optimizer(0.1)
    schedule = StepLR(sgd, step_size=10, gamma=0.5)
    taps = attach(nn.ParameterList(sgd.param_groups[0]["params"]), sgd, outlet, clock=lambda: 0.0)

    for _ in range(35):
        sgd.param_groups[0]["params"][0].grad = torch.zeros(1)
        sgd.step()
        schedule.step()
    taps.detach()

    assert outlet.series("lr") == {step: 0.1 * 0.5 ** ((step - 1) // 10) for step in range(1, 36)}
    marks = outlet.events("lr_change")
    assert [e.step for e in marks] == [11, 21, 31]
    assert marks[0].text == "learning rate 0.1 -> 0.05"
    assert marks[0].data == {"key": "lr", "from": 0.1, "to": 0.05}


def marked(rates: Callable[[SGD], object], steps: int) -> list[int | None]:
    sgd = optimizer()
    schedule = rates(sgd)
    probe = RateProbe([sgd], wall=lambda: 0.0)
    found: list[int | None] = []
    for step in range(1, steps + 1):
        found += [e.step for e in probe.look(step, {})]
        sgd.step()
        schedule.step()  # type: ignore[attr-defined]  # a scheduler
    return found


def test_a_warm_up_is_not_marked_at_every_step() -> None:
    assert marked(lambda o: LinearLR(o, start_factor=0.01, total_iters=50), 60) == []


def test_a_decay_is_marked_where_it_begins() -> None:
    assert marked(lambda o: LambdaLR(o, lambda s: 1.0 if s < 20 else 0.99 ** (s - 19)), 60) == [21]


def test_a_restart_is_marked() -> None:
    def restarts(o: SGD) -> CosineAnnealingLR:
        return torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=20)  # type: ignore[return-value]  # alike

    assert marked(restarts, 50) == [21, 41]


def test_a_drop_after_few_steps_is_marked_when_it_is_large() -> None:
    assert marked(lambda o: StepLR(o, step_size=4, gamma=0.1), 12) == [5, 9]
    assert marked(lambda o: StepLR(o, step_size=4, gamma=0.95), 12) == []


def test_groups_have_their_own_series_and_marks() -> None:
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    sgd = SGD([{"params": [first]}, {"params": [second], "lr": 0.5}], lr=1.0)
    probe, scalars = RateProbe([sgd, optimizer(0.25)], wall=lambda: 0.0), {}

    for step in range(12):
        probe.look(step, scalars)
    sgd.param_groups[1]["lr"] = 0.05
    (event,) = probe.look(12, scalars)

    assert scalars == {"lr": 1.0, "lr/1": 0.05, "lr/2": 0.25}
    assert event.text == "learning rate 0.5 -> 0.05 (group 1)"


def test_a_rate_in_a_host_tensor_is_read() -> None:
    scalars: dict[str, float] = {}

    RateProbe([SGD([nn.Parameter(torch.ones(1))], lr=torch.tensor(0.5))], wall=lambda: 0.0).look(1, scalars)

    assert scalars == {"lr": 0.5}
