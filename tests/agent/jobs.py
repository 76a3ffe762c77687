"""Small training jobs of many kinds; each is trained from its seed and returns everything that training changed."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import Optimizer

from ergoscope.shards import local
from ergoscope.taps import Taps


class Watch(Protocol):
    """Begins to watch, or does nothing."""

    def __call__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        probe: object = None,
        loss_fn: Callable[[nn.Module, object], Tensor] | None = None,
    ) -> None: ...


Job = Callable[[Watch], list[Tensor]]
STEPS = 12


class Block(nn.Module):
    """One transformer layer with fused attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.norm2(x))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def conv() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(4 * 36, 4)
    )


def gpt() -> nn.Module:
    return nn.Sequential(nn.Embedding(32, 16), Block(16), nn.LayerNorm(16), nn.Linear(16, 32))


def flat_batch() -> tuple[Tensor, Tensor]:
    return torch.randn(16, 8), torch.randint(0, 4, (16,))


def image_batch() -> tuple[Tensor, Tensor]:
    return torch.randn(8, 1, 8, 8), torch.randint(0, 4, (8,))


def text_loss(model: nn.Module) -> Tensor:
    tokens = torch.randint(0, 32, (4, 9))
    return F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


def flat_loss(model: nn.Module) -> Tensor:
    x, y = flat_batch()
    return F.cross_entropy(model(x), y)


def everything(model: nn.Module, optimizers: Sequence[Optimizer]) -> list[Tensor]:
    """Weights, buffers, gradients, optimizer state and the state of the random generators, as one list.

    Of distributed tensors the part that is here.
    """
    found: list[Tensor] = [*model.state_dict().values()]
    found += [p.grad for p in model.parameters() if p.grad is not None]
    for optimizer in optimizers:
        collect(optimizer.state_dict(), found)
    return [*map(local, found), *generators()]


def same_bits(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether tensors are equal in every bit: 0 is not -0, and a NaN is the same NaN."""
    return len(some) == len(others) and all(
        a.dtype == b.dtype and a.shape == b.shape and torch.equal(_bytes(a), _bytes(b))
        for a, b in zip(some, others, strict=True)
    )


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().to_dense().contiguous().reshape(-1).view(torch.uint8)


def generators() -> list[Tensor]:
    """States of the generators of torch, Python and numpy."""
    _, numbers, _ = random.getstate()
    state = np.random.get_state()
    assert isinstance(state, tuple)
    return [
        torch.random.get_rng_state(),
        torch.tensor(numbers),
        torch.from_numpy(state[1].copy()),
        torch.tensor(state[2]),
    ]


def seed(number: int) -> None:
    """Seed the generators of torch, Python and numpy."""
    torch.manual_seed(number)
    random.seed(number)
    np.random.seed(number)


def force(taps: Taps) -> None:
    """Make every probe run at every step, however often it may."""
    monitor = taps._monitor
    monitor._schedule.due = lambda step: [True] * len(monitor._schedule.tasks)  # type: ignore[method-assign]  # forced
    monitor._schedule.foresees = lambda task, step: True  # type: ignore[method-assign]  # likewise
    monitor._agenda.next = monitor._schedule.due(0)
    monitor.passing.prepare()


def collect(value: object, found: list[Tensor]) -> None:
    if isinstance(value, Tensor):
        found.append(value)
    elif isinstance(value, dict):
        for key in value:
            found.append(torch.tensor(len(str(key))))
            collect(value[key], found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            collect(item, found)
    elif isinstance(value, (int, float)):
        found.append(torch.tensor(value, dtype=torch.float64))


def train(
    watch: Watch, model: nn.Module, optimizer: Optimizer, step: Callable[[int], None], *, steps: int = STEPS
) -> list[Tensor]:
    watch(model, [optimizer])
    for number in range(steps):
        step(number)
    return everything(model, [optimizer])


def plain(
    model: nn.Module, optimizer: Optimizer, loss: Callable[[nn.Module], Tensor] = flat_loss
) -> Callable[[int], None]:
    """The loop of every tutorial."""

    def step(number: int) -> None:
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()

    return step
