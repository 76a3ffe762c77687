"""Small jobs whose curvature is looked at."""

from collections.abc import Callable, Sequence
from itertools import count

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.curvature.plan import Asked, Curvature
from ergoscope.lineup import LOSS, SHARPNESS, TASKS
from ergoscope.taps import Taps, attach
from tests.agent.memory_outlet import MemoryOutlet

LossFn = Callable[[nn.Module, object], Tensor]


class Bowl(nn.Module):
    """½ Σ d_i w_i², the Hessian being diag(d)."""

    def __init__(self, diagonal: Tensor) -> None:
        super().__init__()
        self.diagonal = diagonal
        self.weight = nn.Parameter(torch.ones_like(diagonal))

    def forward(self) -> Tensor:
        return (0.5 * self.diagonal * self.weight.square()).sum()


def watch(
    model: nn.Module,
    optimizers: Optimizer | Sequence[Optimizer],
    outlet: MemoryOutlet,
    *,
    curvature: Asked | Curvature = "model",
    due: int = 1,
    probe: object = None,
    loss_fn: LossFn | None = None,
    tasks: Sequence[int] = (SHARPNESS,),
    examples: int | None = None,
) -> Taps:
    """Attach, with `tasks` due at every `due`-th step; the clock is so fast that everything is written at once."""
    ticks = count()
    taps = attach(
        model,
        optimizers,
        outlet,
        curvature=curvature,
        probe=probe,
        loss_fn=loss_fn,
        examples_per_backward=examples,
        clock=lambda: float(next(ticks)),
    )
    monitor = taps._monitor
    monitor._schedule.due = lambda step: [  # type: ignore[method-assign]  # nothing is thinned
        task == LOSS or (task in tasks and step % due == 0) for task in range(len(TASKS))
    ]
    monitor._schedule.foresees = lambda task, step: monitor._schedule.due(step)[task]  # type: ignore[method-assign]  # likewise
    monitor._agenda.next = monitor._schedule.due(1)
    monitor.passing.prepare()
    return taps


def train(optimizer: Optimizer, loss: Callable[[], Tensor], taps: Taps, *, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert taps.alive
    taps.detach()


def said(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if "curvature" in e.text or "derivatives" in e.text]


def bowl() -> Bowl:
    return Bowl(torch.tensor([5.0, 1.0, 0.5, -1.0]))


def net() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)), torch.randn(8, 3), torch.randn(8, 2)
