"""Numbers as people read them: commas, and errors that decide how many digits a value gets."""

import math
from collections.abc import Sequence

MOST_RANKS = 5  # are named one by one


def count(number: float) -> str:
    """Give a whole number with thousands commas.

    Example:
        >>> count(15100)
        '15,100'
    """
    return f"{round(number):,}"


def plain(value: float, *, digits: int = 3) -> str:
    """Give a number to a few significant digits, without trailing zeros.

    Example:
        >>> plain(0.1), plain(0.01234), plain(12345.6)
        ('0.1', '0.0123', '12,300')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    text = f"{_round(value, digits):,.{max(0, digits - 1 - _magnitude(value))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ranks(numbers: Sequence[int]) -> str:
    """Name ranks, in words of a sentence; of many the first few.

    Example:
        >>> ranks([3]), ranks([3, 4]), ranks(range(8))
        ('rank 3', 'ranks 3 and 4', 'ranks 0, 1, 2, 3 and 4 more')
    """
    if len(numbers) == 1:
        return f"rank {numbers[0]}"
    shown = [str(number) for number in numbers]
    if len(shown) > MOST_RANKS:
        shown = [*shown[: MOST_RANKS - 1], f"{len(numbers) - MOST_RANKS + 1} more"]
    return f"ranks {', '.join(shown[:-1])} and {shown[-1]}"


def with_error(value: float, half: float, *, unit: str = "") -> str:
    """Give a value and its half-width: the error to two significant digits, the value cut to match.

    Example:
        >>> with_error(0.39412, 0.00213), with_error(31.24, 2.3, unit=" %"), with_error(15312, 1234)
        ('0.3941 ± 0.0021', '31.2 ± 2.3 %', '15,300 ± 1,200')
    """
    if not (math.isfinite(value) and math.isfinite(half)) or half <= 0:
        return plain(value, digits=4) + unit
    power = _magnitude(half)
    if power < -5 and abs(value) < 1e-3:
        shift = _magnitude(value) if value else power
        return f"({with_error(value / 10.0**shift, half / 10.0**shift)})e{shift}{unit}"
    places = max(0, 1 - power)
    if places > 12:
        return plain(value, digits=4) + unit
    grain = 10.0 ** max(0, power - 1)
    return f"{round(value / grain) * grain if grain > 1 else value:,.{places}f} ± {_round(half, 2):,.{places}f}{unit}"


def _magnitude(value: float) -> int:
    """Give the power of ten of the first digit once the value is rounded to two digits."""
    return int(f"{abs(value):.1e}".partition("e")[2])


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
