"""What a model takes and gives: the tensors in it, and the same in containers of our own, for a pass to write into."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar, cast

import torch
from torch import Tensor

Value = TypeVar("Value")
_DEPTH = 32  # containers within containers: deeper ones hold themselves
_FIXED = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    slice,
    range,
    type(None),
    type(...),
    torch.device,
    torch.dtype,
    torch.layout,
    torch.memory_format,
    torch.Size,
)
CHANGEABLE = "it is given an object that a second pass might change"


def in_own_containers(value: Value) -> Value:
    """Copy the tuples, lists and dictionaries of what a model is given, and nothing in them.

    What is there twice is there twice in the copy. Tensors and what cannot be changed pass as they are; whether a
    tensor was written to, its version tells.

    Raises:
        ValueError: Something else is among it, whose content another pass might change without being noticed.

    Example:
        >>> given = {"ids": [1, 2]}
        >>> own = in_own_containers(given)
        >>> own == given, own["ids"] is given["ids"]
        (True, False)
    """
    return cast(Value, _copied(value, {}, _DEPTH))


def tensors_in(value: object, *, depth: int = _DEPTH) -> list[Tensor]:
    """List the tensors of nested tuples, lists and mappings, as a model takes and gives them, down to a depth."""
    if isinstance(value, Tensor):
        return [value]
    if not depth or not isinstance(value, (tuple, list, Mapping)):
        return []
    parts = value.values() if isinstance(value, Mapping) else value
    return [tensor for one in parts for tensor in tensors_in(one, depth=depth - 1)]


def _copied(value: object, made: dict[int, object], depth: int) -> object:
    kind = type(value)
    if kind in _FIXED or isinstance(value, Enum) or (isinstance(value, Tensor) and not value.is_inference()):
        return value
    if id(value) in made:
        return made[id(value)]
    if depth and isinstance(value, list) and kind is list:
        made[id(value)] = parts = list[object]()  # before what is in it, which may be itself
        parts.extend(_copied(one, made, depth - 1) for one in value)
        return parts
    if depth and isinstance(value, dict) and kind is dict:
        made[id(value)] = named = dict[object, object]()
        named.update((key, _copied(one, made, depth - 1)) for key, one in value.items())
        return named
    if depth and isinstance(value, tuple) and (kind is tuple or hasattr(value, "_fields")):
        members = tuple(_copied(one, made, depth - 1) for one in value)
        if all(new is old for new, old in zip(members, value, strict=True)):
            return value
        return members if kind is tuple else kind(*members)
    raise ValueError(CHANGEABLE)
