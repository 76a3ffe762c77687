"""Mean, spread and heaviness of the tails of a tensor's entries."""

import torch
from torch import Tensor

_TINY = 1e-37  # of fp32, so that entries that are all equal divide by something


def moments_of(entries: Tensor) -> Tensor:
    """Mean, standard deviation and excess kurtosis m4/m2^2 - 3, m2 and m4 the central moments.

    Deviations are divided by the largest of them first: the fourth powers of small gradients are zero in fp32. The
    kurtosis of n entries has the error sqrt((m8 - 4 b m6 + 4 b^3 - b^2) / n) with the moments of the standardized
    distribution and b = m4: sqrt(24/n) for a normal one. It is infinite where m8 is.

    Args:
        entries: fp32 or fp64, shape (n,), n at least 1.

    Returns:
        fp32, shape (3,), on the same device, not waited for. The kurtosis of equal entries is NaN.
    """
    mean = entries.mean()
    away = entries - mean
    scale = away.abs().amax().clamp_min(_TINY)
    squares = (away / scale).square_()
    second = squares.mean()
    fourth = torch.dot(squares, squares) / squares.numel()
    return torch.stack([mean, scale * second.sqrt(), fourth / (second * second) - 3.0]).float()
