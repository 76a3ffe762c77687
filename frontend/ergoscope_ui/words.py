"""Numbers, ages and states in the reader's words.

An error is shown at two significant digits and the value is cut to match; thousands carry a comma; ages count up.
`assets/ages.js` repeats `age` for the ticking on the page; a test holds the two together.
"""

import math
from collections.abc import Sequence

STATES = {
    "UNDECIDED": "not enough steps yet",
    "WARMUP": "warm-up",
    "DESCENDING": "descending",
    "PLATEAU": "settled",
    "PLATEAU-INVARIANT": "settled, in equilibrium",
    "STATIONARY-POINT": "stationary point",
    "DRIFTING": "level, weights drifting",
    "EDGE": "at the edge",
    "DIVERGING": "diverging",
    "NONFINITE": "non-finite",
}

_ROLES = {
    "UNDECIDED": "warm",
    "WARMUP": "warm",
    "DESCENDING": "descend",
    "PLATEAU": "settled",
    "PLATEAU-INVARIANT": "settled",
    "STATIONARY-POINT": "still",
    "DRIFTING": "drift",
    "EDGE": "edge",
    "DIVERGING": "diverge",
    "NONFINITE": "diverge",
}


def state_word(state: str) -> str:
    """Name a state or flag in words; a name that is not known yet is shown as it is."""
    return STATES.get(state, state.lower().replace("-", " "))


def state_role(state: str) -> str:
    """Give the colour role of a state or flag (a field of `theme.Palette`)."""
    return _ROLES.get(state, "warm")


def count(value: int | float | None) -> str:
    """Write a whole number with thousands.

    Example:
        >>> count(18240)
        '18,240'
    """
    return "–" if value is None else f"{int(value):,}"


def number(value: float | None, *, digits: int = 3) -> str:
    """Write a value at `digits` significant digits, plainly when that is short.

    Example:
        >>> number(0.39421), number(0.0041), number(18240.0), number(1e-4), number(float("nan"))
        ('0.394', '4.1e-3', '18,240', '1e-4', 'NaN')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if size < -2 or size > 6:
        return scientific(value, digits=digits)
    if size >= digits - 1:
        return f"{value:,.0f}"
    text = f"{value:.{digits - 1 - size}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scientific(value: float, *, digits: int = 2) -> str:
    """Write a value with a short exponent.

    Example:
        >>> scientific(0.0041), scientific(3e-4), scientific(-2e10)
        ('4.1e-3', '3e-4', '-2e10')
    """
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def with_error(value: float | None, half: float | None) -> str:
    """Write a value with its error at two significant digits, the value cut to match.

    Example:
        >>> with_error(0.39421, 0.00213), with_error(204.2, 3.14), with_error(1234.5, 260.0), with_error(0.3, None)
        ('0.3942 ± 0.0021', '204.2 ± 3.1', '1,230 ± 260', '0.3')
    """
    if value is None or half is None or not (math.isfinite(value) and math.isfinite(half)) or half <= 0:
        return number(value)
    places = 1 - math.floor(math.log10(float(f"{half:.1e}")))
    if places > 6:
        return f"{number(value)} ± {scientific(half)}"
    shown, error = round(value, places), round(half, places)
    return f"{shown:,.{max(places, 0)}f} ± {error:,.{max(places, 0)}f}"


def percent(value: float | None) -> str:
    """Write a number that is in percent.

    Example:
        >>> percent(1.42), percent(0.0312)
        ('1.4 %', '0.03 %')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.1f} %" if value >= 0.1 else f"{value:.2f} %"


def duration(seconds: float) -> str:
    """Write how long something takes, in the unit that suits it.

    Example:
        >>> duration(0.0031), duration(4.75e-5), duration(1.5), duration(0.0001)
        ('3.1 ms', '48 µs', '1.5 s', '0.1 ms')
    """
    if seconds >= 0.995:
        return f"{number(seconds, digits=2)} s"
    return f"{number(1e3 * seconds, digits=2)} ms" if seconds >= 0.995e-4 else f"{number(1e6 * seconds, digits=2)} µs"


def age(seconds: float) -> str:
    """Say how long ago something was.

    Example:
        >>> age(0.42), age(12), age(185), age(7300), age(100_000), age(400_000)
        ('0.4 s ago', '12 s ago', '3 min ago', '2 h ago', 'yesterday', '4 days ago')
    """
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s ago"
    if seconds < 60:
        return f"{math.floor(seconds)} s ago"
    if seconds < 3600:
        return f"{math.floor(seconds / 60)} min ago"
    if seconds < 86_400:
        return f"{math.floor(seconds / 3600)} h ago"
    if seconds < 172_800:
        return "yesterday"
    return f"{math.floor(seconds / 86_400)} days ago"


def ahead(seconds: float) -> str:
    """Say in how long something will be.

    Example:
        >>> ahead(20), ahead(185), ahead(7300), ahead(100_000), ahead(7 * 86_400 - 5)
        ('in less than a minute', 'in 3 min', 'in 2 h', 'in 28 h', 'in 7 days')
    """
    if seconds < 60:
        return "in less than a minute"
    if seconds < 3600:
        return f"in {seconds / 60:.0f} min"
    return f"in {seconds / 3600:.0f} h" if seconds < 2 * 86_400 else f"in {seconds / 86_400:.0f} days"


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """Name some things in one line, and count those that are not named.

    Example:
        >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d"], most=2)
        ('a', 'a and b', 'a, b and 2 more')
    """
    named = list(names[:most]) + ([f"{len(names) - most:,} more"] if len(names) > most else [])
    return " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))


def clip(text: str, length: int) -> str:
    """Shorten a long name of a layer: its first parts go, but for the last number among them.

    Where that would leave less than half of what there is room for, letters go instead.

    Example:
        >>> clip("blocks.0.attention.query.weight", 20)
        '0…query.weight'
    """
    if len(text) <= length:
        return text
    parts = text.split(".")
    for first in range(1, len(parts)):
        number = next((part for part in reversed(parts[:first]) if part.isdigit()), "")
        short = f"{number}…{'.'.join(parts[first:])}"
        if length // 2 <= len(short) <= length:
            return short
    return f"…{text[len(text) - length + 1 :]}"
