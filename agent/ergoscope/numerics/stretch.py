"""The largest singular value of a matrix, by power iteration from where the last one ended."""

import torch
from torch import Tensor

_SEED = 0


def first_direction(matrix: Tensor) -> Tensor:
    """A direction to begin with, the same for every matrix of as many columns; no global generator is used.

    Args:
        matrix: Shape (rows, columns).

    Returns:
        Length 1, fp32, shape (columns,), on the matrix's device.
    """
    generator = torch.Generator(matrix.device).manual_seed(_SEED)
    drawn = torch.randn(matrix.shape[1], generator=generator, dtype=torch.float32, device=matrix.device)
    direction: Tensor = drawn / torch.linalg.vector_norm(drawn)
    return direction


def stretch_of(matrix: Tensor, direction: Tensor, *, rounds: int) -> tuple[Tensor, Tensor]:
    """Estimate ‖W‖₂ as ‖Wv‖ after v ← WᵀWv/‖WᵀWv‖, `rounds` times.

    Never more than ‖W‖₂. From a random start the square falls short of ‖W‖₂² by .871 log n/(k - 1) of it at most, on
    average over starts, n columns and k rounds in all; where the second singular value is smaller, by about
    (σ₂/σ₁)^(4k). So it counts how many rounds there were since the matrix last changed much: keep the direction.
    Source: Kuczyński, Woźniakowski (1992).

    Args:
        matrix: fp32 or fp64, shape (rows, columns), without a gradient.
        direction: v, length 1, shape (columns,), of the same dtype and device.
        rounds: At least 1; each reads the matrix twice.

    Returns:
        The estimate, without dimensions, and v for the next time, on the device and not waited for. Of zeros the
        estimate is 0 and v stays.

    Raises:
        ValueError: `rounds` is below 1.

    Example:
        >>> value, _ = stretch_of(torch.diag(torch.tensor([3.0, 1.0])), torch.tensor([0.6, 0.8]), rounds=8)
        >>> round(float(value), 4)
        3.0
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; it must be at least 1")
    with torch.autocast(matrix.device.type, enabled=False):
        for _ in range(rounds):
            image = torch.mv(matrix.t(), torch.mv(matrix, direction))
            length = torch.linalg.vector_norm(image)
            direction = torch.where(length > 0, image / length, direction)
        return torch.linalg.vector_norm(torch.mv(matrix, direction)), direction
