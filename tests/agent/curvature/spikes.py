"""A matrix with few large eigenvalues and many small ones, and what plain draws of signs miss by."""

import torch
from torch import Tensor


def spiked(size: int) -> tuple[Tensor, Tensor]:
    """A symmetric matrix with eigenvalues 50, 20, 10, 5, 2 and others even in [−.5, 1], and these; fp64."""
    values = torch.cat([torch.tensor([50.0, 20.0, 10.0, 5.0, 2.0]), torch.linspace(-0.5, 1.0, size - 5)]).double()
    generator = torch.Generator().manual_seed(size)
    axes, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    return (axes * values) @ axes.T, values


def off_diagonal(matrix: Tensor) -> float:
    """Sum of the squares off the diagonal."""
    return float(matrix.square().sum() - matrix.diagonal().square().sum())
