"""What three lengths say of a step: the norms of the weights before it and after it, and of the move between them.

w, w' and the move D = w' - w are the sides of a triangle, so its angle at the origin and the product w.D follow from
the lengths alone, without another pass over the weights.
"""

import math


def turn(before: float, after: float, move: float) -> float:
    """Angle between w and w' from the chord: sin^2(a/2) = (|D|^2 - (|w'| - |w|)^2) / (4 |w| |w'|).

    The law of cosines written so that nothing near 1 is subtracted: arccos of a cosine in fp32 knows no angle below
    3e-4. What is left is the error e of |w'| - |w| relative to |w|, some 1e-7 for norms in fp32. Of a move across the
    weights, as of layers before normalization, the angle then comes out as sqrt(a^2 - e^2): exact to 1e-6 of itself at
    a = 1e-4. Of a move along the weights angles below sqrt(2 e |D| / |w|) are lost.

    Returns:
        Radians, 0 to pi; NaN when a length is zero or not finite, as then there is no direction.

    Example:
        >>> round(turn(1.0, 1.0, 2 * math.sin(5e-5)), 12)
        0.0001
    """
    growth = after - before
    chord = (move - growth) * (move + growth)
    scale = 4.0 * before * after
    if not (scale > 0.0 and math.isfinite(chord) and math.isfinite(scale)):
        return math.nan
    return 2.0 * math.asin(math.sqrt(min(max(chord / scale, 0.0), 1.0)))


def product_with_move(before: float, after: float, move: float) -> float:
    """w.D = (|w'|^2 - |w|^2 - |D|^2) / 2, kept within what the two lengths allow.

    Rounding of the norms to fp32 leaves an error of some 1e-7 |w|^2.

    Example:
        >>> product_with_move(3.0, 5.0, 4.0), product_with_move(1.0, 2.0, 1.0)
        (0.0, 1.0)
    """
    product = 0.5 * ((after - before) * (after + before) - move * move)
    most = before * move
    return min(max(product, -most), most)


def rms_without_decay(before: float, after: float, move: float, *, rate: float, decay: float, entries: int) -> float:
    """Root mean square of u in a step D = -rate (u + decay w), in units of the learning rate.

    |D + rate decay w|^2 is written out, so that the decay is taken off by arithmetic on three lengths. AdamW's u is
    m^ / (sqrt(v^) + eps); Loshchilov and Hutter (2019), algorithm 2.

    Args:
        before: Norm of w.
        after: Norm of w'.
        move: Norm of D.
        rate: Learning rate, above 0.
        decay: Weight decay that is decoupled from the gradient.
        entries: Number of entries of w, at least 1.

    Example:
        >>> rms_without_decay(3.0, 5.0, 4.0, rate=2.0, decay=0.0, entries=4)
        1.0
    """
    drift = rate * decay
    square = move * move + 2.0 * drift * product_with_move(before, after, move) + (drift * before) ** 2
    finite = math.isfinite(square) and math.isfinite(after)
    return math.sqrt(max(square, 0.0) / entries) / rate if finite else math.nan
