"""The nets whose training is timed: two conv nets of 0.8 M parameters, one with a short step, an MLP, and GPTs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Job:
    """A model with its optimizer and the batch on which it is trained again and again.

    inputs: (examples, ...); targets: the classes, one for each vector of logits that the model gives.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    inputs: Tensor
    targets: Tensor

    def loss(self) -> Tensor:
        """Go forward."""
        logits: Tensor = self.model(self.inputs)
        return nn.functional.cross_entropy(logits.flatten(0, -2), self.targets)

    def step(self) -> Tensor:
        """Do one step of training and give its loss."""
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.optimizer.step()
        return loss


def conv_job() -> Job:
    """0.8 M parameters, SGD with momentum, batches of 64 images of 3 by 32 by 32."""
    torch.manual_seed(0)
    widths = ((3, 32, 1), (32, 64, 2), (64, 128, 2), (128, 256, 2), (256, 176, 1))
    blocks = [layer for width in widths for layer in _block(*width)]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(176, 10))
    return _images(model, size=32)


def small_job() -> Job:
    """0.8 M parameters too, most of them in one linear layer, and images of 3 by 16 by 16: a step a quarter as long."""
    torch.manual_seed(0)
    blocks = [layer for width in ((3, 32, 1), (32, 64, 2), (64, 128, 2)) for layer in _block(*width)]
    head = (nn.Flatten(), nn.Linear(128 * 16, 340), nn.ReLU(), nn.Linear(340, 10))
    return _images(nn.Sequential(*blocks, *head), size=16)


def _block(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def _images(model: nn.Module, size: int) -> Job:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    return Job(model, optimizer, torch.randn(64, 3, size, size), torch.randint(10, (64,)))


class _Gpt(nn.Module):
    def __init__(self, width: int = 256, layers: int = 4, heads: int = 4, vocabulary: int = 256, tokens: int = 64):
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.tokens = nn.Embedding(vocabulary, width)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, vocabulary)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(tokens), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden: Tensor = self.blocks(self.tokens(tokens), mask=self.mask, is_causal=True)
        out: Tensor = self.head(hidden)
        return out


def gpt_job(width: int = 256, layers: int = 4, *, rows: int = 8, tokens: int = 64) -> Job:
    """3.3 M parameters as given, AdamW, batches of so many sequences of so many tokens."""
    torch.manual_seed(0)
    model = _Gpt(width, layers, tokens=tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    text = torch.randint(256, (rows, tokens + 1))
    return Job(model, optimizer, text[:, :-1], text[:, 1:].flatten())


def mlp_job(*, rows: int = 256) -> Job:
    """0.7 M parameters in three linear layers, AdamW, batches of so many vectors of 784 numbers."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return Job(model, optimizer, torch.randn(rows, 784), torch.randint(10, (rows,)))


NETS: dict[str, Callable[[], Job]] = {
    "conv": conv_job,
    "gpt": gpt_job,
    "small": small_job,
    "mlp": mlp_job,
    "gpt-1m": partial(gpt_job, 160, 3),
    "gpt-10m": partial(gpt_job, 384, 6),
    "gpt-100m": partial(gpt_job, 896, 10),
    "mlp-wide": partial(mlp_job, rows=2048),
    "gpt-wide": partial(gpt_job, 160, 3, rows=32, tokens=128),
}
