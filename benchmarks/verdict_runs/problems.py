"""What the labelled runs train: data, nets and losses small enough for a millisecond a step on one core."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

Data = tuple[Tensor, Tensor]
Losses = Callable[[nn.Module, Data], Tensor]


@dataclass(frozen=True, slots=True)
class Problem:
    """A net and all of its training data; `losses` gives the loss of each example, shape (n,)."""

    model: nn.Module
    data: Data
    losses: Losses


def cross_entropy(model: nn.Module, data: Data) -> Tensor:
    """Give the loss of each example, of a sequence the mean over its places."""
    logits: Tensor = model(data[0])
    if logits.dim() == 2:
        return nn.functional.cross_entropy(logits, data[1], reduction="none")
    return nn.functional.cross_entropy(logits.transpose(1, 2), data[1], reduction="none").mean(1)


def squares(model: nn.Module, data: Data) -> Tensor:
    """Give the squared error of each example, summed over outputs."""
    return (model(data[0]) - data[1]).square().sum(1)


def mlp(*widths: int, norm: bool = False, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Make linear layers with an activation between them, behind batch normalization if `norm`."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), *([nn.BatchNorm1d(after)] if norm else []), activation()]
    return nn.Sequential(*layers[: -2 if norm else -1])


def teacher(n: int, *, wrong: float = 0.0, hidden: int = 16, classes: int = 10, inputs: int = 32) -> Data:
    """Draw inputs and the classes that a random net gives them, a share `wrong` of them replaced at random."""
    x = torch.randn(n, inputs)
    scores = torch.tanh(x @ (3 * torch.randn(inputs, hidden) / inputs**0.5)) @ torch.randn(hidden, classes)
    replaced = torch.rand(n) < wrong
    return x, torch.where(replaced, torch.randint(classes, (n,)), scores.argmax(1))


def classes(
    n: int = 4000, *, wrong: float = 0.0, width: int = 32, norm: bool = False, activation: type[nn.Module] = nn.ReLU
) -> Problem:
    """Ten classes that a random net drew, and a net of two hidden layers."""
    data = teacher(n, wrong=wrong)
    return Problem(mlp(32, width, width, 10, norm=norm, activation=activation), data, cross_entropy)


def images(n: int = 1797, *, wrong: float = 0.0, norm: bool = False) -> Problem:
    """Handwritten digits of 8 by 8 pixels, and a net of two convolutions."""
    from ergoscope.demo.digits import digits_images

    x, y = digits_images()
    chosen = torch.randperm(len(x))[:n]
    x, y = x[chosen], y[chosen]
    y = torch.where(torch.rand(len(y)) < wrong, torch.randint(10, (len(y),)), y)
    norms = [[nn.BatchNorm2d(c)] if norm else [] for c in (8, 16)]
    first = [nn.Conv2d(1, 8, 3, stride=2, padding=1), *norms[0], nn.ReLU()]
    second = [nn.Conv2d(8, 16, 3, stride=2, padding=1), *norms[1], nn.ReLU()]
    return Problem(nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(64, 10)), (x, y), cross_entropy)


class Reader(nn.Module):
    """A transformer of one block that reads symbols: shapes (batch, length) to (batch, length, symbols)."""

    def __init__(self, symbols: int, length: int, width: int = 24) -> None:
        """Make the layers."""
        super().__init__()
        self.tokens, self.places = nn.Embedding(symbols, width), nn.Embedding(length, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fold = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give the scores of each next symbol."""
        x = self.tokens(tokens) + self.places.weight[: tokens.shape[1]]
        q, k, v = self.attend(self.norm1(x)).chunk(3, dim=-1)
        far = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).triu(1)
        near = (q @ k.transpose(1, 2) / k.shape[-1] ** 0.5).masked_fill(far, -torch.inf)
        x = x + self.project(near.softmax(-1) @ v)
        out: Tensor = self.head(x + self.fold(self.norm2(x)))
        return out


def sequences(n: int = 2000, *, symbols: int = 8, length: int = 10) -> Problem:
    """Symbols, each drawn by a law that depends on the two before it, and a transformer that is to guess the next."""
    law = torch.softmax(2 * torch.randn(symbols, symbols, symbols), dim=-1)
    text = torch.randint(symbols, (n, 2))
    for _ in range(length - 1):
        text = torch.cat([text, torch.multinomial(law[text[:, -2], text[:, -1]], 1)], dim=1)
    return Problem(Reader(symbols, length), (text[:, :-1], text[:, 1:]), cross_entropy)


def curve(points: int = 20, width: int = 40) -> Problem:
    """The Chebyshev polynomial of degree 4 at a few points, and a tanh net."""
    x = torch.linspace(-1, 1, points)[:, None]
    return Problem(mlp(1, width, width, 1, activation=nn.Tanh), (x, torch.cos(4 * torch.acos(x))), squares)


def plane(n: int = 500, inputs: int = 20, *, noise: float = 0.5) -> Problem:
    """A linear function with noise, and a linear model: convex, with its stationary point off every example's own."""
    x = torch.randn(n, inputs) * torch.linspace(0.2, 1.5, inputs)
    y = x @ torch.randn(inputs, 1) + noise * torch.randn(n, 1)
    return Problem(nn.Sequential(nn.Linear(inputs, 1)), (x, y), squares)
