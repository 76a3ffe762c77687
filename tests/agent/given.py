"""Jobs whose gradients are given, and what a smoothed number made of their readings is worth."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

STEPS = 801  # 100 pairs of gradients, 50 pairs of moves
SIZE = 6000


def train_on(
    gradients: Iterable[Tensor], weights: Tensor, *, lr: float = 0.0, momentum: float = 0.0, start_step: int = 0
) -> MemoryOutlet:
    """Steps of one parameter whose gradients are given."""
    outlet, parameter = MemoryOutlet(), nn.Parameter(weights.clone())
    optimizer = SGD([parameter], lr=lr, momentum=momentum)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0, start_step=start_step)
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def noise(size: int, *, steps: int = STEPS, seed: int = 0) -> Iterable[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.randn(size, generator=generator)


def last(outlet: MemoryOutlet, key: str) -> float:
    return list(outlet.series(key).values())[-1]


def readings(decay: float, pairs: int) -> float:
    """Independent readings that an exponentially weighted mean of so many is worth: (Σw)²/Σw²."""
    weights = decay ** np.arange(pairs)
    return float(weights.sum() ** 2 / (weights**2).sum())
