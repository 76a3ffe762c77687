"""Made-up training runs whose story is known: what the verdict is asked to tell."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ergoscope_contract.answers import Verdict
from ergoscope_server.history.whole import verdict_of
from ergoscope_server.indicators.invariance import UNSEEN, Looks
from ergoscope_server.indicators.points import FloatArray, Points
from tests.reference.ar1 import ar1, settling


@dataclass(frozen=True)
class Training:
    """Loss, gradient norm and learning rate of every step from 1 on."""

    loss: FloatArray
    grad: FloatArray
    lr: FloatArray

    def until(self, step: int) -> "Training":
        """The run as it was at a step."""
        return Training(self.loss[:step], self.grad[:step], self.lr[:step])

    def verdict(
        self, *, measured: Mapping[str, Points] | None = None, looks: Looks = UNSEEN, final: bool = False
    ) -> Verdict:
        """What is said of it, and of what else was measured."""
        steps = np.arange(1, len(self.loss) + 1)
        return verdict_of(
            steps,
            self.loss,
            grad_steps=steps,
            grad_norm=self.grad,
            lr_steps=steps,
            lr=self.lr,
            measured=measured,
            looks=looks,
            final=final,
        )


def staged(*, seed: int, drop: int = 6000, n: int = 12_000, noise: float = 0.05) -> Training:
    """A loss that settles at 0.4, and at 0.25 after the learning rate fell; the gradient does not vanish."""
    first = settling(drop, level=0.4, height=1.9, time=300.0)
    loss = np.concatenate((first, settling(n - drop, level=0.25, height=0.15, time=300.0)))
    level = np.concatenate(
        (settling(drop, level=0.3, height=0.7, time=300.0), settling(n - drop, level=0.2, height=0.1, time=300.0))
    )
    grad = level * np.exp(0.2 * ar1(0.3, n, seed=seed + 1000))
    lr = np.where(np.arange(n) < drop, 0.1, 0.01)
    return Training(loss + noise * ar1(0.3, n, seed=seed), grad, lr)


def warmed(training: Training, *, steps: int) -> Training:
    """The same run with a linear warm-up."""
    rise = np.minimum(1.0, np.arange(1, len(training.lr) + 1) / steps)
    return Training(training.loss, training.grad, training.lr * rise)


def cosine(*, seed: int, n: int = 8000) -> Training:
    """A learning rate that falls along a cosine, and a loss that falls with it."""
    u = np.arange(n) / n
    loss = 0.2 + 0.3 * (1 - u) ** 2 + 1.5 * np.exp(-np.arange(n) / 300) + 0.04 * ar1(0.3, n, seed=seed)
    grad = np.exp(0.2 * ar1(0.3, n, seed=seed + 1000))
    return Training(loss, grad, 0.05 * (1 + np.cos(np.pi * u)))
