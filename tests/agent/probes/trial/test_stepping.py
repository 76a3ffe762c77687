"""Steps of several optimizers that do not step equally often."""

import pytest
import torch
from torch import nn
from torch.optim import SGD

from ergoscope.lineup import LOSS, TASKS, TRIAL
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.trials import Bowls, descend, finish, said, watch


def of_two_that_step(every: int, *, forced: bool, steps: int = 12) -> tuple[MemoryOutlet, list[bool]]:
    """Train with a second optimizer that steps more rarely, right before the first one's next step."""
    outlet, held = MemoryOutlet(), list[bool]()
    model = nn.ModuleList([Bowls(torch.tensor(2.0), torch.ones(4, dtype=torch.float64)) for _ in range(2)])
    first, second = (SGD(part.parameters(), lr=0.01) for part in model)
    taps = watch(model, [first, second], outlet, loss_fn=lambda pair, _: pair[0]() + pair[1]())  # type: ignore[index]  # a list of two
    monitor = taps._monitor
    if not forced:
        monitor._schedule.due = lambda step: [t == LOSS or (t == TRIAL and step % 2 == 0) for t in range(len(TASKS))]  # type: ignore[method-assign]  # every other step
        monitor._agenda.next = monitor._schedule.due(1)
    for step in range(steps):
        held.append(monitor._shared.trial._stepping._passage is not None)
        descend(model[0], first, steps=1)  # type: ignore[arg-type]  # bowls
        if step % every == 0:
            descend(model[1], second, steps=1)  # type: ignore[arg-type]  # bowls
    finish(taps)
    return outlet, held


def test_a_step_that_is_not_over_before_the_next_one_is_forgotten() -> None:
    outlet, held = of_two_that_step(3, forced=False)

    assert outlet.series("sam_sharpness").keys() == {4, 10}
    assert [number for number, one in enumerate(held) if one] == [2, 6, 8]  # until the first steps again, and no longer
    assert not any("equally" in text for text in said(outlet))


@pytest.mark.parametrize("forced", [False, True])
def test_optimizers_that_hardly_ever_step_together_are_not_waited_for_and_that_is_said_once(forced: bool) -> None:
    outlet, held = of_two_that_step(100, forced=forced)

    reason = "what a step does to the probe batch is not measured: the optimizers do not step equally often"
    assert [text for text in said(outlet) if "not measured" in text and "answers" not in text] == [reason]
    assert not any(held[8:])
