"""Counts of a tensor's entries by sign and binary exponent: a histogram that adds and needs no look at the range.

The exponent is read from the bits of the number, so the bins are exact: bin e holds 2^e <= |x| < 2^(e+1).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.numerics.norms import dense_entries
from ergoscope.numerics.products import in_order_of_memory
from ergoscope_contract.records import Histogram

LOW = -40
HIGH = 8
LIMIT = 32_768  # entries looked at in one tensor
SLOTS = 513  # sign and exponent of an fp32 number, and one for zero
_ZERO = 512
_SPECIAL = 255  # exponent field of NaN and infinity


def count_exponents(tensor: Tensor, *, limit: int = LIMIT) -> Tensor:
    """Count the entries of a tensor by the sign and exponent fields of fp32.

    Args:
        tensor: Any floating or complex tensor, looked at as `sample_entries` does.
        limit: Entries to look at, at most; at least 1.

    Returns:
        fp32 counts, shape (513,), on the tensor's device, nothing waited for: negative numbers from 256 on,
        zeros of either sign last. Exponents of fp64 beyond fp32 are counted at the ends.
    """
    entries = sample_entries(tensor.detach(), limit=limit)
    index = _fields(entries).masked_fill_(entries == 0, _ZERO)
    if index.device.type == "cpu":
        return torch.bincount(index, minlength=SLOTS).float()
    ones = torch.ones((), device=index.device).expand(index.shape)
    return torch.zeros(SLOTS, device=index.device).index_add_(0, index, ones)


def sample_entries(tensor: Tensor, *, limit: int = LIMIT) -> Tensor:
    """The entries of a tensor in the order of memory, or, of more than `limit`, every n-th of them.

    n has no factor in common with their number, so that no row or column of a matrix is favoured.

    Args:
        tensor: Any floating or complex tensor; of a complex one real and imaginary parts are entries, of a sparse one
            the entries that it stores.
        limit: Entries to take, at most; at least 1.

    Returns:
        fp32 or fp64, shape (n,), on the tensor's device: a view where that is possible.
    """
    entries = dense_entries(tensor)
    if entries.is_complex():
        entries = torch.view_as_real(entries)
    flat = in_order_of_memory(entries)
    step = stride(flat.numel(), limit)
    sample = flat[::step] if step > 1 else flat
    return sample if sample.dtype in (torch.float32, torch.float64) else sample.float()


def stride(entries: int, limit: int) -> int:
    """Step of a sample of at most `limit` out of `entries`: 1 when all fit, else coprime to `entries`."""
    if entries <= limit:
        return 1
    step = -(-entries // limit)
    while math.gcd(step, entries) != 1:
        step += 1
    return step


def to_histogram(counts: Sequence[float], *, key: str, step: int, size: int) -> Histogram:
    """Make the record of `count_exponents`'s result.

    Args:
        counts: 513 whole numbers.
        key: Series key, as "grad_hist/conv1.weight".
        step: Step of the measurement.
        size: Number of entries that the tensor has; when fewer were looked at, the record says how many.
    """
    whole = [int(n) for n in counts]
    sampled = sum(whole)
    return Histogram(
        key=key,
        step=step,
        low=LOW,
        positive=_fold(whole[:_SPECIAL]),
        negative=_fold(whole[256 : 256 + _SPECIAL]),
        zeros=whole[_ZERO],
        nonfinite=whole[_SPECIAL] + whole[256 + _SPECIAL],
        sampled=sampled if sampled < size else None,
    )


def _fold(counts: list[int]) -> list[int]:
    low, high = LOW + 127, HIGH + 127
    return [sum(counts[: low + 1]), *counts[low + 1 : high], sum(counts[high:])]


def _fields(entries: Tensor) -> Tensor:
    if entries.dtype == torch.float32:
        return entries.view(torch.int32).bitwise_right_shift(23).bitwise_and_(0x1FF)
    bits = entries.view(torch.int64).bitwise_right_shift(52)
    field = bits.bitwise_and(0x7FF)
    shifted = (field - (1023 - 127)).clamp_(1, _SPECIAL - 1).masked_fill_(field == 0x7FF, _SPECIAL)
    return shifted + 256 * (bits < 0)
