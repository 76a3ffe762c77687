"""A run's configuration: what the user gives, as JSON can carry it."""

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import asdict, is_dataclass

from ergoscope_contract.jsonable import spell
from ergoscope_contract.records import JsonObject

DEPTH = 16


class Config(MutableMapping[str, object]):
    """A dictionary that tells of its changes.

    Values that JSON cannot say are kept as their text.
    """

    def __init__(self, data: JsonObject, *, changed: Callable[[], None]) -> None:
        self._data = data
        self._changed = changed

    def __getitem__(self, key: str) -> object:
        """Give a value."""
        return self._data[key]

    def __setitem__(self, key: str, value: object) -> None:
        """Set a value and tell."""
        self._data[str(key)] = jsonable(value)
        self._changed()

    def __delitem__(self, key: str) -> None:
        """Remove a value and tell."""
        del self._data[key]
        self._changed()

    def __iter__(self) -> Iterator[str]:
        """Go over the keys."""
        return iter(self._data)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._data)

    def __repr__(self) -> str:
        """Show the values."""
        return f"Config({self._data!r})"

    def update(self, *others: object, **named: object) -> None:
        """Set several values and tell once."""
        for other in (*others, named):
            self._data.update(as_config(other))
        self._changed()

    def as_dict(self) -> JsonObject:
        """Copy it."""
        return dict(self._data)


def as_config(given: object) -> JsonObject:
    """Turn a mapping, a dataclass, an argparse namespace or None into a configuration.

    Raises:
        TypeError: it is none of these.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(key): jsonable(value) for key, value in given.items()}
    if is_dataclass(given) and not isinstance(given, type):
        return as_config(asdict(given))
    if hasattr(given, "__dict__") and not isinstance(given, type):
        return as_config(vars(given))
    raise TypeError(f"config is {given!r:.60}; it must be a dictionary, a dataclass or a namespace")


def jsonable(value: object, *, depth: int = DEPTH) -> object:
    """Give a value as JSON can carry it; what it cannot is kept as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else spell(float(value))
    if depth and isinstance(value, Mapping):
        return {str(key): jsonable(inner, depth=depth - 1) for key, inner in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [jsonable(inner, depth=depth - 1) for inner in value]
    if callable(item := getattr(value, "item", None)) and getattr(value, "size", None) is not None:
        try:
            return jsonable(item(), depth=0)
        except Exception:  # an array of many
            return f"{value!r:.200}"
    return f"{value!r:.200}" if not isinstance(value, type) else value.__qualname__
