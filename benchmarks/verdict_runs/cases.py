"""The labelled runs: ways to train, each at every seed."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.verdict_runs.case import Case, dropped, growing, risen, rising
from benchmarks.verdict_runs.problems import Problem, classes, curve, images, plane, sequences

Maker = Callable[[Iterable[Tensor]], torch.optim.Optimizer]


def _sgd(lr: float, momentum: float = 0.0, decay: float = 0.0, nesterov: bool = False) -> Maker:
    return partial(torch.optim.SGD, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov)


def _adam(lr: float) -> Maker:
    return partial(torch.optim.Adam, lr=lr)


def _adamw(lr: float, decay: float = 0.01) -> Maker:
    return partial(torch.optim.AdamW, lr=lr, weight_decay=decay)


def _rms(lr: float) -> Maker:
    return partial(torch.optim.RMSprop, lr=lr)


def _silence(problem: Problem) -> None:
    """Push the first layer of units so far below zero that none ever answers."""
    first = next(module for module in problem.model if isinstance(module, nn.Linear | nn.Conv2d))  # type: ignore[union-attr]  # a Sequential
    nn.init.constant_(first.bias, -50.0)


def _blank(problem: Problem) -> None:
    """Set every weight to zero, so that only the last bias can learn."""
    for parameter in problem.model.parameters():
        nn.init.zeros_(parameter)


HEALTHY = (
    Case(name="mlp-sgd", label="healthy", problem=classes, optimizer=_sgd(0.01)),
    Case(name="mlp-adam", label="healthy", problem=partial(classes, 8000, width=64), optimizer=_adam(3e-4)),
    Case(name="conv-momentum", label="healthy", problem=images, optimizer=_sgd(2e-3, 0.9), steps=3000),
    Case(name="reader-adamw", label="healthy", problem=sequences, optimizer=_adamw(3e-4), steps=3000),
)
SETTLED = (
    Case(name="plane-sgd", label="settled", problem=plane, optimizer=_sgd(0.02), batch=8, steps=5000),
    Case(name="plane-adam", label="settled", problem=plane, optimizer=_adam(0.02), batch=16, steps=5000),
    Case(name="plane-gd", label="settled", problem=plane, optimizer=_sgd(0.1), batch=None, steps=4000),
)
SPIKING = (
    Case(
        name="mlp-spikes",
        label="spiking",
        problem=partial(classes, wrong=0.2, norm=True),
        optimizer=_sgd(0.05, 0.9, 5e-3),
        steps=5000,
        spoiled=(1500, 2500, 3500),
    ),
    Case(
        name="conv-spikes",
        label="spiking",
        problem=images,
        optimizer=_adam(1e-3),
        steps=3000,
        spoiled=(1000, 2200),
    ),
    Case(
        name="plane-spikes",
        label="spiking",
        problem=plane,
        optimizer=_sgd(0.002, 0.9),
        steps=5000,
        spoiled=(2000, 3800),
    ),
)
DIVERGING = (
    Case(name="mlp-growing", label="diverging", problem=classes, optimizer=_sgd(0.02, 0.9), factor=growing, steps=3000),
    Case(name="conv-growing", label="diverging", problem=images, optimizer=_adam(1e-3), factor=growing, steps=3000),
    Case(name="curve-growing", label="diverging", problem=curve, optimizer=_sgd(0.005), factor=growing, steps=3000),
    Case(name="plane-too-large", label="diverging", problem=plane, optimizer=_sgd(0.4), batch=8, steps=2000),
    Case(
        name="reader-growing",
        label="diverging",
        problem=sequences,
        optimizer=_sgd(0.3, 0.9),
        factor=growing,
        steps=2000,
    ),
)
EDGE = (
    Case(name="curve-gd", label="edge", problem=curve, optimizer=_sgd(0.1), batch=None, curvature=True),
    Case(name="curve-momentum", label="edge", problem=curve, optimizer=_sgd(0.05, 0.7), batch=None, curvature=True),
    Case(name="curve-adam", label="edge", problem=curve, optimizer=_adam(2e-3), batch=None, curvature=True),
    Case(
        name="classes-gd",
        label="edge",
        problem=partial(classes, 300, activation=nn.Tanh),
        optimizer=_sgd(0.3),
        batch=None,
        curvature=True,
    ),
)
BELOW = (
    Case(name="curve-small", label="below the edge", problem=curve, optimizer=_sgd(2e-3), batch=None, curvature=True),
    Case(name="classes-sgd", label="below the edge", problem=classes, optimizer=_sgd(0.02), curvature=True),
)
DEAD = (
    Case(name="mlp-silent", label="dead", problem=classes, optimizer=_sgd(0.05), prepare=_silence),
    Case(name="conv-silent", label="dead", problem=images, optimizer=_adam(1e-3), prepare=_silence, steps=3000),
    Case(name="mlp-blank", label="dead", problem=classes, optimizer=_sgd(0.02, 0.9), prepare=_blank),
)
NOISY = (
    Case(
        name="mlp-noisy",
        label="noisy labels",
        problem=partial(classes, 20_000, wrong=0.4, norm=True),
        optimizer=_sgd(0.05, 0.9, 5e-3),
        batch=256,
        steps=6000,
    ),
    Case(
        name="conv-noisy",
        label="noisy labels",
        problem=partial(images, wrong=0.4, norm=True),
        optimizer=_sgd(0.05, 0.9, 0.02),
        batch=128,
        steps=4000,
    ),
    Case(
        name="mlp-noisy-adamw",
        label="noisy labels",
        problem=partial(classes, 20_000, wrong=0.4),
        optimizer=_adamw(3e-3, 0.3),
        batch=256,
        steps=6000,
    ),
)
SMALL = (
    Case(name="mlp-small", label="too small a rate", problem=classes, optimizer=_sgd(1e-6)),
    Case(name="conv-small", label="too small a rate", problem=images, optimizer=_sgd(1e-6, 0.9, 0.0, True), steps=3000),
    Case(name="reader-small", label="too small a rate", problem=sequences, optimizer=_adamw(1e-8), steps=3000),
)
DROP = (
    Case(
        name="mlp-drop",
        label="rate drop",
        problem=partial(classes, 20_000, wrong=0.2, norm=True),
        optimizer=_sgd(0.05, 0.9, 5e-3),
        batch=256,
        factor=dropped,
        steps=7000,
    ),
    Case(
        name="plane-drop", label="rate drop", problem=plane, optimizer=_sgd(0.03), batch=8, factor=dropped, steps=7000
    ),
    Case(
        name="conv-drop",
        label="rate drop",
        problem=partial(images, wrong=0.2, norm=True),
        optimizer=_adamw(3e-3, 0.1),
        factor=dropped,
        steps=6000,
    ),
)
WARM = (
    Case(name="mlp-rising", label="warm-up", problem=classes, optimizer=_adam(1e-3), factor=rising, steps=2000),
    Case(name="reader-risen", label="warm-up", problem=sequences, optimizer=_adamw(1e-3), factor=risen, steps=3000),
    Case(name="conv-risen", label="warm-up", problem=images, optimizer=_sgd(0.02, 0.9), factor=risen, steps=3000),
)
OVERFIT = (
    Case(name="mlp-overfit", label="overfit", problem=partial(classes, 100), optimizer=_sgd(0.1, 0.9), batch=16),
    Case(name="conv-overfit", label="overfit", problem=partial(images, 100), optimizer=_rms(1e-3), batch=8, steps=3000),
    Case(name="curve-overfit", label="overfit", problem=curve, optimizer=_adam(1e-3), batch=None, steps=5000),
)
CASES = (*HEALTHY, *SETTLED, *SPIKING, *DIVERGING, *EDGE, *BELOW, *DEAD, *NOISY, *SMALL, *DROP, *WARM, *OVERFIT)
