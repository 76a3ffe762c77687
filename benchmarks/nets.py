"""The nets whose training is timed: a conv net of 0.8 M parameters and a GPT of 3.3 M."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Job:
    """A model with its optimizer, and one training step of it."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    step: Callable[[], Tensor]


def conv_job() -> Job:
    """0.8 M parameters, SGD with momentum, batches of 64 images of 3 by 16 by 16."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1, stride=2, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Conv2d(64, 128, 3, padding=1, stride=2, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(128 * 16, 340),
        nn.ReLU(),
        nn.Linear(340, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    inputs, targets = torch.randn(64, 3, 16, 16), torch.randint(10, (64,))
    return _job(model, optimizer, lambda: nn.functional.cross_entropy(model(inputs), targets))


class _Gpt(nn.Module):
    def __init__(self, width: int = 256, layers: int = 4, heads: int = 4, vocabulary: int = 256) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.tokens = nn.Embedding(vocabulary, width)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, vocabulary)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(64), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden: Tensor = self.blocks(self.tokens(tokens), mask=self.mask, is_causal=True)
        out: Tensor = self.head(hidden)
        return out


def gpt_job() -> Job:
    """3.3 M parameters, AdamW, batches of 8 sequences of 64 tokens."""
    torch.manual_seed(0)
    model = _Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    tokens = torch.randint(256, (8, 65))
    return _job(
        model,
        optimizer,
        lambda: nn.functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()),
    )


def _job(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> Job:
    def step() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        return loss

    return Job(model, optimizer, step)
