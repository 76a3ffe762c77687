"""The training examples of a twin: those of all twins, but for the few that it replaces.

The last examples of a data set are kept back. Each twin trains on the others in their order, so that with equal seeds
it draws the same places at every step; what stands at some of the places is then one that was kept back.
"""

import os
import random
from collections.abc import Sequence
from typing import TypeVar, cast

from ergoscope.errors import SettingError
from ergoscope.twins.asked import Asked

Data = TypeVar("Data")
_calls: list[int] = []  # what a process is told at its end: whether there was anything to replace


def twin(data: Data) -> Data:
    """Give the training examples that this process is to use.

    Outside of `ergoscope twins` that is `data` itself, untouched. In a twin it holds as many examples fewer as twins
    differ in, in the same order, and in all twins but the first two some of them are replaced by those left out.

    Args:
        data: A tensor or an array with an example a row, a tuple of such, or anything with a length and items, such as
            a `torch.utils.data.Dataset`. Of that a view is given, whose items are those of `data`.

    Raises:
        SettingError: in a twin, `data` has no length, or no more examples than are to be kept back.
    """
    asked = Asked.read(os.environ)
    if asked is None:
        return data
    rows = chosen(_length(data), replace=asked.replace, draw=asked.draw)
    _calls.append(len(rows))
    return cast(Data, _picked(data, rows))


def times_used() -> int:
    """Count the calls of `twin` in this process."""
    return len(_calls)


def chosen(length: int, *, replace: int, draw: int | None) -> list[int]:
    """Give the examples at each place.

    Args:
        length: Examples there are.
        replace: How many are kept back.
        draw: Draws the places that get them; None leaves all as they are.

    Raises:
        SettingError: nothing would be left.

    Example:
        >>> chosen(6, replace=1, draw=None)
        [0, 1, 2, 3, 4]
        >>> sorted(chosen(6, replace=1, draw=0))[-1]
        5
    """
    if replace >= length:
        raise SettingError(f"twin() was given {length} examples, of which {replace} are to be kept back; give more")
    rows = list(range(length - replace))
    if draw is not None:
        places = random.Random(draw).sample(rows, min(replace, len(rows)))
        for spare, place in enumerate(places, start=length - replace):
            rows[place] = spare
    return rows


def _length(data: object) -> int:
    first = data[0] if isinstance(data, tuple) and data and _is_array(data[0]) else data
    try:
        return len(first)  # type: ignore[arg-type]  # tried
    except TypeError:
        raise SettingError(
            f"twin() was given a {type(data).__name__}; it must have a length and items, as a map-style Dataset has"
        ) from None


def _is_array(data: object) -> bool:
    return hasattr(data, "shape") and hasattr(data, "__getitem__")


def _picked(data: object, rows: list[int]) -> object:
    if _is_array(data):
        return data[rows]  # type: ignore[index]  # an array
    if isinstance(data, tuple) and all(map(_is_array, data)):
        return tuple(part[rows] for part in data)
    return Picked(cast("Sequence[object]", data), rows)


class Picked:
    """A data set whose places hold some examples of another."""

    def __init__(self, data: Sequence[object], rows: list[int]) -> None:
        """Hold what stands where."""
        self._data, self._rows = data, rows

    def __len__(self) -> int:
        """Count the examples."""
        return len(self._rows)

    def __getitem__(self, place: int) -> object:
        """Give the example at a place."""
        return self._data[self._rows[place]]
