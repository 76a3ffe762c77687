"""What a demonstration trains: a model, its optimizer and schedule, and an endless supply of batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, slots=True)
class Task:
    """Everything a plain training loop needs.

    Attributes:
        batches: Endless (input, target) pairs, drawn with a generator of their own.
        loss: Maps (output, target) to the scalar that is minimised.
        config: The settings worth comparing between runs.
    """

    name: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LRScheduler
    batches: Iterator[tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    config: dict[str, object] = field(default_factory=dict)


def train(task: Task, *, steps: int, after_step: Callable[[int], None] | None = None) -> None:
    """Train as anyone would: forward, backward, step. Nothing here knows that it is watched."""
    task.model.train()
    for step in range(steps):
        inputs, targets = next(task.batches)
        task.optimizer.zero_grad()
        loss = task.loss(task.model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        task.optimizer.step()
        task.schedule.step()
        if after_step is not None:
            after_step(step)
