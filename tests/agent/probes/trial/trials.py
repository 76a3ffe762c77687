"""Small jobs in which every step is a trial."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.lineup import LOSS, TASKS, TRIAL
from ergoscope.probes.trial.trial import TrialProbe
from ergoscope.taps import Taps, attach
from tests.agent.memory_outlet import MemoryOutlet

LossFn = Callable[[nn.Module, object], object]


class Bowls(nn.Module):
    """Many copies of ½ Σ h_i w_i², each the loss of one example."""

    def __init__(self, curvatures: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.curvatures = curvatures
        self.weight = nn.Parameter(weights.clone())

    def forward(self) -> Tensor:
        return 0.5 * (self.curvatures * self.weight.square()).sum(-1)

    def slope(self) -> Tensor:
        """Of the sum over the copies."""
        return self.curvatures * self.weight.detach()


def of_each(model: nn.Module, _: object) -> Tensor:
    losses: Tensor = model()
    return losses


def watch(
    model: nn.Module,
    optimizers: Optimizer | Sequence[Optimizer],
    outlet: MemoryOutlet,
    *,
    probe: object = 0,
    loss_fn: LossFn = of_each,
) -> Taps:
    taps = attach(model, optimizers, outlet, probe=probe, loss_fn=loss_fn, clock=lambda: 0.0)  # type: ignore[arg-type]  # wrong ones too
    monitor = taps._monitor
    monitor._schedule.due = lambda _: [task in (LOSS, TRIAL) for task in range(len(TASKS))]  # type: ignore[method-assign]  # no other probe
    monitor._agenda.next = monitor._schedule.due(1)
    return taps


def descend(model: Bowls, optimizer: Optimizer, *, steps: int, noise: Tensor | float = 0.0) -> None:
    """Steps along the slope, with noise of these standard deviations."""
    for _ in range(steps):
        model.weight.grad = model.slope() + noise * torch.randn_like(model.weight)
        optimizer.step()


def finish(taps: Taps) -> None:
    assert taps.alive
    taps.detach()


def said(outlet: MemoryOutlet, *quantities: str) -> list[str]:
    """What the user was told of all these quantities, or of some alone."""
    of = list(quantities or TrialProbe.produces)
    return [event.text for event in outlet.events("agent") if event.data.get("quantities") == of]
