"""Standard errors of means over readings that depend on their neighbours.

n readings are cut into a batches of b = ⌊n/a⌋ in a row; the first few are left out of the batches, not of the mean.
Means of batches longer than the readings' memory are nearly independent, so their spread tells that of the whole
mean: Var(mean) ≈ S² / a, S² the sample variance of the batch means. With a = ⌊√n⌋ the error of this estimate falls with
n for readings that forget exponentially; its standard error is about √(2/(a − 1)) of it. Sources: Glynn, Whitt (1991);
Flegal, Jones (2010).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def covariance_of_means(readings: ArrayLike) -> NDArray[np.float64]:
    """Covariance of the means of several series that were read together.

    Args:
        readings: Shape (series, n).

    Returns:
        Shape (series, series); NaN of fewer than four readings, that make no two batches of two.

    Raises:
        ValueError: There are not two dimensions.

    Example:
        >>> covariance_of_means([[1.0, 1.0, 3.0, 3.0]]).tolist()  # batch means 1 and 3
        [[1.0]]
    """
    numbers = np.asarray(readings, dtype=np.float64)
    if numbers.ndim != 2:
        raise ValueError(f"readings have shape {numbers.shape}; it must be (series, n)")
    series, n = numbers.shape
    batches = int(n**0.5)
    if batches < 2:
        return np.full((series, series), np.nan)
    length = n // batches
    means = numbers[:, n - batches * length :].reshape(series, batches, length).mean(axis=2)
    away = means - means.mean(axis=1, keepdims=True)
    return np.asarray(away @ away.T / ((batches - 1) * batches), dtype=np.float64)


def error_of_ratio(readings: ArrayLike) -> float:
    """Standard error of mean(first) / mean(second), to first order in both errors.

    Args:
        readings: Shape (2, n).

    Raises:
        ValueError: The shape is another one.

    Example:
        >>> error_of_ratio([[1.0, 1.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0]])
        0.5
    """
    numbers = np.asarray(readings, dtype=np.float64)
    if numbers.ndim != 2 or numbers.shape[0] != 2:
        raise ValueError(f"readings have shape {numbers.shape}; it must be (2, n)")
    top, bottom = numbers.mean(axis=1) if numbers.shape[1] else (np.nan, np.nan)
    if not bottom:
        return float("nan")
    slope = np.array([1.0, -top / bottom]) / bottom
    return float(max(slope @ covariance_of_means(numbers) @ slope, 0.0) ** 0.5)
