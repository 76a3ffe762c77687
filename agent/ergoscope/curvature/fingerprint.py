"""Whether two batches are the same one, told by a short word."""

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

_DIGITS = 12  # among a thousand batches two share them with a chance of 2e-9
_DEPTH = 32  # containers within containers: deeper ones hold themselves


def fingerprint(batch: object) -> str:
    """Hash what a batch holds: twelve hexadecimal digits, the same for the same content in every process.

    Of tensors and arrays type, shape and bytes count, of numbers and texts their value, of tuples, lists and mappings
    what is in them, in their order; of anything else, and of what cannot be read, only what kind of thing it is.
    Tensors are brought to the host for it, and waited for.

    Example:
        >>> fingerprint([torch.ones(2), "a"])
        'ffeab3522761'
    """
    digest = hashlib.blake2b(digest_size=_DIGITS // 2)
    for piece in _pieces(batch, _DEPTH, {}):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: object, depth: int, seen: dict[int, tuple[int, object]]) -> Iterator[bytes]:
    """Give what counts; `seen` are the containers so far, numbered and kept, so that an id stays one's own."""
    if id(value) in seen:
        yield f"number {seen[id(value)][0]} again;".encode()
        return
    try:
        name, content, parts = _opened(value) if depth else (type(value).__qualname__, b"", [])
    except Exception:  # what a batch is made of may be anybody's code
        name, content, parts = type(value).__qualname__, b"", []
    yield f"{name};".encode()
    yield content
    if parts:
        seen[id(value)] = len(seen), value
    for part in parts:
        yield from _pieces(part, depth - 1, seen)


def _opened(value: object) -> tuple[str, bytes, list[object]]:
    """What is said of a value, its bytes, and what is in it."""
    if isinstance(value, Tensor) and value.layout == torch.strided:
        plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        return f"tensor {value.dtype} {tuple(value.shape)}", plain.reshape(-1).view(torch.uint8).numpy().tobytes(), []
    if isinstance(value, np.ndarray) and value.dtype != object:
        return f"array {value.dtype} {value.shape}", value.tobytes(), []
    if isinstance(value, str | bytes | int | float | complex | None):
        return repr(value), b"", []
    if isinstance(value, Mapping):
        return f"{type(value).__name__} of {len(value)}", b"", [part for pair in value.items() for part in pair]
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)}", b"", list(value)
    return type(value).__qualname__, b"", []
