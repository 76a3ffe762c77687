"""Whether the gradients of single examples agree, from the slope and the noise that they have together."""


def coherence_of(slope: float, noise: float) -> float:
    """The share of the examples' squared gradients that is common to all: ‖E g‖²/E‖g‖² = ‖G‖²/(‖G‖² + tr Σ).

    1 where examples have one gradient, 0 at a stationary point. With the noise scale B = tr Σ/‖G‖² it is 1/(1 + B).
    Source: Chatterjee, Zielinski (2022).

    Args:
        slope: ‖G‖², debiased, so it may be below zero by chance.
        noise: tr Σ of one example.

    Returns:
        Below zero by chance; NaN where there is neither.

    Example:
        >>> coherence_of(slope=4.0, noise=16.0)
        0.2
    """
    whole = slope + noise
    return slope / whole if whole > 0 else float("nan")


def helped_by(coherence: float, *, examples: int) -> float:
    """How many examples of a batch the average one's step helps, itself included: m-coherence.

    m ‖mean g‖²/mean ‖g‖² over m examples; its expectation is m (‖G‖² + tr Σ/m)/(‖G‖² + tr Σ) = 1 + (m - 1) α. So
    orthogonal gradients read 1 and equal ones m. Source: Chatterjee, Zielinski (2022).

    Args:
        coherence: α.
        examples: m, at least 1.

    Raises:
        ValueError: m is below 1.

    Example:
        >>> round(helped_by(0.2, examples=64) / 64, 4)
        0.2125
    """
    if examples < 1:
        raise ValueError(f"examples is {examples}; it must be at least 1")
    return 1.0 + (examples - 1) * coherence
