"""Values that JSON cannot say, spelled out."""

import math
from collections.abc import Iterable, Mapping

from ergoscope_contract.errors import ShapeError

DEPTH = 24
LENGTH = 200
_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def spell(value: float) -> float | str:
    """Give a float as JSON can carry it: itself, or "NaN", "Infinity", "-Infinity".

    Example:
        >>> spell(1.5), spell(float("-inf"))
        (1.5, '-Infinity')
    """
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def spell_all(values: Iterable[float]) -> list[float | str]:
    """Spell each value."""
    return [v if math.isfinite(v) else spell(v) for v in values]


def unspell(value: float | str) -> float:
    """Give back the float that `spell` made JSON-safe.

    Raises:
        ShapeError: a text that is none of the three.

    Example:
        >>> unspell("-Infinity")
        -inf
    """
    if not isinstance(value, str):
        return float(value)
    try:
        return _SPELLED[value]
    except KeyError:
        raise ShapeError(f"{value!r:.60} is not a number; allowed: numbers, 'NaN', 'Infinity', '-Infinity'") from None


def plain_object(given: Mapping[str, object]) -> dict[str, object]:
    """Give a config or the like as JSON can carry it, whatever stands in it.

    Numbers that are not finite are spelled, keys become text, sequences lists, and what JSON has no word for its
    `repr`, cut to LENGTH characters; what is nested deeper than DEPTH becomes "...".

    Example:
        >>> plain_object({"lr": float("inf"), "betas": (0.9, 0.99), "device": b"cpu"})
        {'lr': 'Infinity', 'betas': [0.9, 0.99], 'device': "b'cpu'"}
    """
    return {_text(key): _plain(value, DEPTH) for key, value in given.items()}


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return spell(value)
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return _text(repr(value)[:LENGTH])
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(inner, depth - 1) for key, inner in value.items()}
    return [_plain(inner, depth - 1) for inner in value]


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd")  # PostgreSQL has no place for NUL in a text
