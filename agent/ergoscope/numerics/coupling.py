"""Slope of one noisy series on another, with an error that allows for autocorrelation."""

from collections.abc import Collection

MOST = 128  # pairs that count
_LEAST = 16
_SPREAD = 0.02  # least standard deviation of the first numbers


def slope(pairs: Collection[tuple[float, float]]) -> tuple[float, float] | None:
    """Fit y = a + b x by least squares.

    The error is that of the mean of the scores (x - mean x) * residual by overlapping batch means with batches of
    root n (Meketon and Schmeiser 1984), so successive residuals may be correlated.

    Args:
        pairs: (x, y), in the order of time.

    Returns:
        b and its standard error; None for fewer than 16 pairs, and when x hardly varies (standard deviation below
        0.02).

    Example:
        >>> slope([(float(i), 3.0 * i) for i in range(20)])
        (3.0, 0.0)
    """
    n = len(pairs)
    if n < _LEAST:
        return None
    middle = sum(x for x, _ in pairs) / n
    height = sum(y for _, y in pairs) / n
    spread = sum((x - middle) ** 2 for x, _ in pairs)
    if spread < n * _SPREAD**2:
        return None
    b = sum((x - middle) * (y - height) for x, y in pairs) / spread
    scores = [(x - middle) * (y - height - b * (x - middle)) for x, y in pairs]
    batch = int(n**0.5)
    sums = [sum(scores[at : at + batch]) for at in range(n - batch + 1)]
    variance_of_sum = n / batch * sum(s * s for s in sums) / len(sums)  # the scores add to zero, so their mean is zero
    return b, float((variance_of_sum * n / (n - batch)) ** 0.5 / spread)
