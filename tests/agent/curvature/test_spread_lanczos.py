"""Lanczos with its products spread over the steps of a training in which the matrix moves."""

import numpy as np
import torch
from torch import Tensor

from ergoscope.curvature.lanczos import Lanczos, Ritz, ritz
from ergoscope.curvature.vectors import normals
from tests.agent.curvature.matrices import wigner


def spread(matrices: list[Tensor], *, keep: bool = True) -> tuple[Lanczos, Ritz]:
    lanczos = Lanczos.random(len(matrices[0]), seed=5, keep=keep, dtype=torch.float64)
    for matrix in matrices:
        lanczos.step(matrix.mv)
    return lanczos, ritz(*lanczos.coefficients().numpy())


def drift(matrices: list[Tensor], one: Tensor) -> float:
    """(2 Σ ‖A_j − A‖²)^½, in the spectral norm."""
    return (2 * sum(float(torch.linalg.matrix_norm(matrix - one, 2)) ** 2 for matrix in matrices)) ** 0.5


def test_each_ritz_value_is_that_of_any_one_matrix_to_the_drift() -> None:
    first, move = (torch.from_numpy(wigner(200, seed=seed, spikes=[4.0])) for seed in (1, 2))
    matrices = [first + 0.002 * step * move for step in range(15)]

    lanczos, found = spread(matrices)

    basis = torch.stack(lanczos.basis)
    for matrix in (matrices[0], matrices[7], matrices[-1]):
        at_one = torch.linalg.eigvalsh(basis @ matrix @ basis.T).numpy()
        assert np.abs(found.values - at_one).max() <= drift(matrices, matrix)


class Training:
    """A net with one hidden layer on 256 points, its loss as a function of one flat vector of 129 weights."""

    def __init__(self) -> None:
        self.inputs = normals(256 * 6, seed=1, dtype=torch.float64).view(256, 6)
        teacher = normals(21, seed=2, dtype=torch.float64)
        hidden = torch.tanh(self.inputs @ teacher[:18].view(6, 3))
        self.targets = hidden @ teacher[18:] + 0.5 * torch.sin(3 * self.inputs[:, 0])
        self.weights = 0.4 * normals(129, seed=3, dtype=torch.float64)

    def loss(self, weights: Tensor, batch: slice = slice(None)) -> Tensor:
        inner, bias, outer, last = weights.split([96, 16, 16, 1])
        hidden = torch.tanh(self.inputs[batch] @ inner.view(6, 16) + bias)
        return 0.5 * ((hidden @ outer + last - self.targets[batch]) ** 2).mean()

    def step(self, number: int) -> None:
        batch = slice(16 * (number % 16), 16 * (number % 16) + 16)
        weights = self.weights.requires_grad_()
        (gradient,) = torch.autograd.grad(self.loss(weights, batch), weights)
        self.weights = weights.detach() - 0.1 * gradient

    def hessian(self) -> Tensor:
        found: Tensor = torch.autograd.functional.hessian(self.loss, self.weights)
        return (found + found.T) / 2


def test_over_fifteen_steps_of_a_training_the_sharpness_is_told_to_a_percent() -> None:
    training, matrices = Training(), []
    for number in range(800):
        training.step(number)
        if number >= 785:
            matrices.append(training.hessian())

    _, found = spread(matrices)

    tops = [float(torch.linalg.eigvalsh(matrix)[-1]) for matrix in matrices]
    one = matrices[7]
    assert abs(found.values[-1] - tops[7]) <= drift(matrices, one) + found.residuals[-1]
    assert min(tops) * 0.99 <= found.values[-1] <= max(tops) * 1.01
