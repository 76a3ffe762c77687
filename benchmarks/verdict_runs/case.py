"""A labelled run: what is trained, how, and what its maker meant it to be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmarks.verdict_runs.problems import Problem

Label = Literal[
    "healthy", "settled", "spiking", "diverging", "edge", "below the edge", "dead", "noisy labels", "too small a rate",
    "rate drop", "warm-up", "overfit",
]  # fmt: skip
Factor = Callable[[int, int], float]
SEEDS = (0, 1)
HELD_OUT = (1,)  # seeds that nothing may be tuned on


def steady(step: int, steps: int) -> float:
    """Stay."""
    del step, steps
    return 1.0


def untouched(problem: Problem) -> None:
    """Leave the net as it was drawn."""
    del problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to train.

    name, label: what it is called and what it was meant to be.
    problem: draws data and net. optimizer: makes it.
    steps, batch: how long, and examples a step; None takes all of them, in order.
    factor: the learning rate at a step of so many, over that of the optimizer.
    spoiled: steps whose inputs are 10 times too large.
    prepare: changes the net before it trains.
    curvature: whether the agent follows the sharpness.
    """

    name: str
    label: Label
    problem: Callable[[], Problem]
    optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    steps: int = 4000
    batch: int | None = 32
    factor: Factor = steady
    spoiled: tuple[int, ...] = ()
    prepare: Callable[[Problem], None] = untouched
    curvature: bool = False


def dropped(step: int, steps: int) -> float:
    """Fall tenfold after 60 % of the run."""
    return 0.1 if step >= 0.6 * steps else 1.0


def rising(step: int, steps: int) -> float:
    """Rise in a line to the end of the run."""
    return (step + 1) / steps


def risen(step: int, steps: int) -> float:
    """Rise in a line over the first tenth of the run."""
    return min(1.0, (step + 1) / (0.1 * steps))


def growing(step: int, steps: int) -> float:
    """Hold for half of the run, then grow a thousandfold."""
    return float(1000.0 ** max(0.0, 2 * step / steps - 1))
