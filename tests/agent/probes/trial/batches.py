"""Jobs whose steps are held against their own batches."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import Optimizer

from ergoscope.lineup import LOSS, TASKS, TRUST
from ergoscope.taps import Taps, attach
from tests.agent.memory_outlet import MemoryOutlet

Loss = Callable[[], Tensor]


def watch(model: nn.Module, optimizer: Optimizer | list[Optimizer], outlet: MemoryOutlet, *, due: bool = True) -> Taps:
    """Attach, with every step looked at; or none, where this process wants no reading."""
    taps = attach(model, optimizer, outlet, curvature="model", clock=lambda: 0.0)
    monitor = taps._monitor
    monitor._schedule.due = lambda _: [task == LOSS or (due and task == TRUST) for task in range(len(TASKS))]  # type: ignore[method-assign]  # no other probe
    monitor._agenda.next = monitor._schedule.due(1)
    monitor.passing.prepare()
    return taps


def train(
    model: nn.Module,
    optimizer: Optimizer,
    loss: Loss,
    *,
    steps: int,
    between: Callable[[], object] = lambda: None,
) -> MemoryOutlet:
    """Train; `between` is what happens to gradients before each step."""
    outlet = MemoryOutlet()
    taps = watch(model, optimizer, outlet)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        between()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def said(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if e.data.get("quantities") == ["trust_ratio"]]


class Masked(nn.Sequential):
    """A net whose forward pass draws, counts and updates statistics."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, classes))


def batch() -> Tensor:
    return torch.randn(16, 8).double()


def labels(*shape: int) -> Tensor:
    return torch.randint(0, 4, shape or (16,))


def of_classes(model: nn.Module) -> Tensor:
    return F.cross_entropy(model(batch()), labels())
