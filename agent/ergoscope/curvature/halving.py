"""Parts of a batch of any make: its first half, for when there is no memory for all of it, and equal parts."""

from collections.abc import Callable
from typing import TypeVar, cast

from torch import Tensor

from ergoscope.curvature.given import tensors_in

Batch = TypeVar("Batch")


def rows_of(batch: object) -> int | None:
    """Count the examples of a batch: the entries along the first dimension that all of its tensors share.

    Args:
        batch: A tensor, or nested tuples, lists and mappings of tensors and of what is no tensor.

    Returns:
        None when there is no tensor, one has no dimension or none that are fixed, or they differ.
    """
    tensors = tensors_in(batch)
    lengths = set() if any(tensor.is_nested for tensor in tensors) else {tensor.shape[:1] for tensor in tensors}
    return lengths.pop()[0] if len(lengths) == 1 and () not in lengths else None


def halved(batch: Batch) -> Batch | None:
    """Give the first half of a batch's examples, as views; None when that cannot be told, or is none.

    Example:
        >>> import torch
        >>> x, y = halved((torch.zeros(5, 3), torch.ones(5)))
        >>> x.shape, y.shape
        (torch.Size([2, 3]), torch.Size([2]))
    """
    rows = rows_of(batch)
    return None if rows is None or rows < 2 else cast(Batch, _cut(batch, slice(rows // 2)))


def divided(batch: Batch, count: int) -> list[Batch]:
    """Give equal parts of a batch's examples, as views; the last few examples may be left over.

    Returns:
        As many as asked for; none when a part cannot be told or would be empty.

    Example:
        >>> import torch
        >>> [part.tolist() for part in divided(torch.arange(5), 2)]
        [[0, 1], [2, 3]]
    """
    rows = rows_of(batch)
    size = 0 if rows is None else rows // count
    return [cast(Batch, _cut(batch, slice(i * size, (i + 1) * size))) for i in range(count)] if size else []


def _cut(value: object, rows: slice) -> object:
    if isinstance(value, Tensor):
        return value[rows]
    if isinstance(value, tuple):
        parts, named = [_cut(one, rows) for one in value], cast("Callable[..., object]", type(value))
        return named(*parts) if hasattr(value, "_fields") else tuple(parts)
    if type(value) is list:
        return [_cut(one, rows) for one in value]
    if type(value) is dict:
        return {key: _cut(one, rows) for key, one in value.items()}
    return value
