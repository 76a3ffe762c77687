"""Inner products of many pairs of tensors, without waiting for the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

_EXACT = (torch.float32, torch.float64)


def products_of(left: Sequence[Tensor], right: Sequence[Tensor]) -> list[Tensor]:
    """Inner product of each pair, accumulated in fp32 or better; of complex tensors its real part.

    Nothing is allocated for tensors of fp32 or fp64 with equal strides; others are copied, one pair at a time.

    Args:
        left: Dense tensors.
        right: Dense tensors of the same shapes and devices.

    Returns:
        A tensor without dimensions for each pair, on its device, not waited for. No gradient may be recorded.
    """
    return [_product(a, b) for a, b in zip(left, right, strict=True)]


def in_order_of_memory(tensor: Tensor) -> Tensor:
    """The entries of a dense tensor in one dimension, in the order in which they lie in memory: a view."""
    if tensor.dim() == 1:
        return tensor
    if not tensor.is_contiguous():
        tensor = tensor.permute(sorted(range(tensor.dim()), key=tensor.stride, reverse=True))
    return tensor.reshape(-1)


def _product(a: Tensor, b: Tensor) -> Tensor:
    if a.is_complex():
        a, b = torch.view_as_real(a), torch.view_as_real(b)
    if a.stride() == b.stride():
        a, b = in_order_of_memory(a), in_order_of_memory(b)
    else:
        a, b = a.reshape(-1), b.reshape(-1)
    if a.dtype != b.dtype or a.dtype not in _EXACT:
        a, b = a.float(), b.float()
    return torch.dot(a, b)
