"""What SGD with small batches can hold of a minimum that all examples share.

At such a minimum with Hessians H_i = a_i a_iᵀ of the examples (one output each), batches of B out of n without repeats
multiply the second moment of the weights by E[(I − ηH_B) ⊗ (I − ηH_B)]. It stays bounded for η below

    η* = 2 / λ₁(C⁺D),   C = ½(H ⊗ I + I ⊗ H),   D = (1 − p) H ⊗ H + (p/n) Σ H_i ⊗ H_i,   p = (n − B) / (B (n − 1)).

η* ≤ 2B / tr H always, with equality for orthogonal a_i of equal length: at the trial vector vec(I) the ratio of D to C
is ((1 − p) tr H² + p mean‖a_i‖⁴) / tr H, where mean‖a_i‖⁴ ≥ (tr H)² and tr H² ≥ (tr H)²/n, and p + (1 − p)/n = 1/B.
So η tr H / (2B) > 1 rules the minimum out, and ≤ 1 says little. Sources: the threshold, Mulayoff, Michaeli (2024); the
trace, Wu, Su (2023).
"""


def trace_ratio(rate: float, trace: float, batch: int) -> float:
    """η tr H / (2B): above 1 plain SGD cannot stay at an interpolating minimum with this trace.

    Args:
        rate: η.
        trace: tr H of the mean loss.
        batch: B, examples in a batch, at least 1.

    Raises:
        ValueError: The batch is below 1.

    Example:
        >>> trace_ratio(rate=0.5, trace=8.0, batch=2)
        1.0
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}; it must be at least 1")
    return rate * trace / (2.0 * batch)
