"""What a user logs, as names and numbers."""

import math
import operator
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from ergoscope_contract import catalogue

APART = (
    "{} is measured in this run; what you log under that name is kept as {}, so that the two stay apart "
    "(said once, also holds for other measured names)"
)
_PLAIN = frozenset({float, int, bool})
_NOT_NUMBERS = (str, bytes, bytearray)


@dataclass(frozen=True, slots=True)
class Row:
    """Names and as many numbers; `refused` says of each value that is no number what was seen."""

    keys: tuple[str, ...]
    values: "array[float]"
    refused: dict[str, str] = field(default_factory=dict)


def read_row(data: Mapping[str, object]) -> Row:
    """Read a dictionary of metrics.

    Numbers are whatever has one value: Python's, numpy's and torch's scalars, tensors of one element. Dictionaries
    inside are flattened with "/" between the names. NaN and infinities are numbers.

    Example:
        >>> row = read_row({"loss": 0.5, "val": {"acc": 1, "note": "good"}})
        >>> row.keys, list(row.values)
        (('loss', 'val/acc'), [0.5, 1.0])
        >>> row.refused
        {'val/note': "'good' is of type str"}
    """
    given = list(data.values())
    if _PLAIN.issuperset(map(type, given)):  # the way of a row of a thousand values: no Python code a value
        try:
            values = array("d", cast(list[float], given))
        except OverflowError:
            return _read_each(data)  # an integer beyond the floats: infinity
        return Row(tuple(data), values)
    return _read_each(data)


def _read_each(data: Mapping[str, object]) -> Row:
    numbers: dict[str, float] = {}
    refused: dict[str, str] = {}
    for key, value in _flat(data, ""):
        number = to_number(value)
        if number is None:
            refused[key] = f"{value!r:.60} is of type {type(value).__name__}"
        else:
            numbers[key] = number
    return Row(tuple(numbers), array("d", numbers.values()), refused)


def _flat(data: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def read_step(given: object) -> int | None:
    """Give the step that is meant, or None when it is no integer.

    Example:
        >>> read_step(3.0), read_step("3")
        (3, None)
    """
    try:
        return operator.index(given)  # type: ignore[arg-type]  # what is no integer raises
    except Exception:  # foreign types fail as they like
        return int(given) if isinstance(given, float) and given.is_integer() else None


def set_apart(keys: Iterable[str]) -> list[str]:
    """Give names under which a user's numbers do not mix with the agent's own, which measures under catalogued names.

    Example:
        >>> set_apart(["loss", "grad_norm/fc.weight", "loss/train", "val/loss"])
        ['logged/loss', 'logged/grad_norm/fc.weight', 'loss/train', 'val/loss']
    """
    return [f"logged/{key}" if _is_measured(str(key)) else str(key) for key in keys]


def _is_measured(key: str) -> bool:
    entry = catalogue.entry(key)
    return entry is not None and entry.made and entry.kind == "probe"


def to_number(value: object) -> float | None:
    """Give the one number that a value is, or None when it is not one."""
    if isinstance(value, _NOT_NUMBERS) or value is None:
        return None
    try:
        if (item := getattr(value, "item", None)) is not None:
            detach = getattr(value, "detach", None)  # a tensor on the graph warns when it is read
            value = detach().item() if detach is not None else item()
            if isinstance(value, _NOT_NUMBERS):
                return None
        return float(value)  # type: ignore[arg-type]  # what has no number inside raises
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]  # it is an int
    except Exception:  # of many elements, complex, or foreign code that fails
        return None
