"""Long vectors: what all methods that know a matrix only through its products do with them.

A vector is one flat tensor of fp32, or of fp64, on one device. Nothing here waits for the device: numbers stay there as
tensors without dimensions.

Random vectors follow from a seed and from the place of each entry alone, by the counter-based generator SplitMix64
(Steele, Lea, Flood 2014): the same signs on every device and in every process, and no generator of torch is touched.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]
"""Maps v, shape (size,), to Av, shape (size,). The matrix A is symmetric."""

_PIECE = {"cpu": 1 << 16}  # entries handled at once: in the processor's cache there, in few calls elsewhere
_LONG_PIECE = 1 << 22  # what is needed besides the vectors stays below 200 MiB
_SIGNS = 32  # taken from one number of 64 bits
_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_ROUNDS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of two vectors: pieces in the vectors' precision, pairwise as torch adds, and their sum in fp64.

    In fp32 the error is at most some 2⁻²⁴ Σ|aᵢbᵢ| whatever the length, and a tenth of one as a rule; `torch.dot` loses
    3e-5 at ten million entries on the CPU, and each piece in fp64 would take twice as long. A device without fp64
    (Apple's) adds in fp32.

    Args:
        a: Shape (size,).
        b: Shape (size,), same type and device.

    Returns:
        fp64 without dimensions, on the vectors' device.

    Example:
        >>> float(dot(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])))
        11.0
    """
    wide, piece = wide_dtype(a.device), _piece(a.device)
    with torch.no_grad():
        parts = [(x * y).sum() for x, y in zip(torch.split(a, piece), torch.split(b, piece), strict=True)]
        return torch.stack(parts).sum(dtype=wide)


def norm(a: Tensor) -> Tensor:
    """Euclidean length of a vector, as exact as `dot`.

    Example:
        >>> float(norm(torch.tensor([3.0, 4.0])))
        5.0
    """
    return dot(a, a).sqrt()


def add_scaled(total: Tensor, vector: Tensor, factor: Tensor) -> None:
    """Add `factor` times `vector` to `total`, in place and without a vector in between.

    Args:
        total: Shape (size,); changed.
        vector: Shape (size,), same type and device.
        factor: Without dimensions, on the same device.
    """
    with torch.no_grad():
        total.addcmul_(vector, factor.to(total.dtype))


def wide_dtype(device: torch.device) -> torch.dtype:
    """The widest real type of a device."""
    return torch.float32 if device.type == "mps" else torch.float64


def signs(size: int, *, seed: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Tensor:
    """Independent entries of −1 and 1, each with probability ½; the same ones on every device.

    Args:
        size: Number of entries.
        seed: Any whole number; neighbouring ones give independent vectors.
        device: Where the vector is made.
        dtype: fp32 or fp64.

    Returns:
        Shape (size,). No generator of torch is used.

    Example:
        >>> signs(3, seed=0).abs().tolist()
        [1.0, 1.0, 1.0]
    """
    out = torch.empty(size, dtype=dtype, device=device)
    shifts, length = torch.arange(_SIGNS, device=device), _piece(out.device)
    for start in range(0, size, length):
        piece = out[start : start + length]
        rows = -(-len(piece) // _SIGNS)
        bits = (_hashes(start // _SIGNS, rows, seed, out.device)[:, None] >> shifts) & 1
        piece.copy_(bits.view(-1)[: len(piece)]).mul_(2).sub_(1)
    return out


def normals(size: int, *, seed: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Tensor:
    """Independent standard normal entries; on every device the same up to rounding of cosine and logarithm.

    The direction is uniform on the sphere. By the transform of Box and Muller (1958).

    Args:
        size: Number of entries.
        seed: Any whole number; neighbouring ones give independent vectors.
        device: Where the vector is made.
        dtype: fp32 or fp64.

    Returns:
        Shape (size,). No generator of torch is used.

    Example:
        >>> torch.equal(normals(5, seed=1), normals(5, seed=1))
        True
    """
    out = torch.empty(size, dtype=dtype, device=device)
    length = _piece(out.device)
    for start in range(0, size, length):
        piece = out[start : start + length]
        uniform = _uniforms(start, len(piece) + len(piece) % 2, seed, out.device)
        radius, angle = uniform[::2].log().mul_(-2).sqrt_(), uniform[1::2] * (2 * math.pi)
        pairs = torch.stack([angle.cos().mul_(radius), angle.sin().mul_(radius)], dim=1)
        piece.copy_(pairs.view(-1)[: len(piece)])
    return out


def _piece(device: torch.device) -> int:
    return _PIECE.get(device.type, _LONG_PIECE)


def _uniforms(start: int, count: int, seed: int, device: torch.device) -> Tensor:
    """Numbers above 0 and up to 1, from the upper 53 bits."""
    whole = _shifted(_hashes(start, count, seed, device), 11)
    return whole.to(wide_dtype(device)).add_(0.5).mul_(2.0**-53)


def _hashes(start: int, count: int, seed: int, device: torch.device) -> Tensor:
    """SplitMix64's numbers `start` to `start + count`, as int64; products wrap around, as they must."""
    state = torch.arange(start + 1, start + count + 1, device=device)
    state.mul_(_signed(_STEP)).add_(_signed(_mixed(seed & _MASK)))
    for shift, factor in _ROUNDS:
        state.bitwise_xor_(_shifted(state, shift)).mul_(_signed(factor))
    return state.bitwise_xor_(_shifted(state, 31))


def _mixed(seed: int) -> int:
    """A seed's own hash: streams of neighbouring seeds then do not run one behind the other."""
    state = (seed + _STEP) & _MASK
    for shift, factor in _ROUNDS:
        state = ((state ^ (state >> shift)) * factor) & _MASK
    return state ^ (state >> 31)


def _shifted(number: Tensor, by: int) -> Tensor:
    return (number >> by).bitwise_and_((1 << (64 - by)) - 1)  # an int64's own shift would draw its sign along


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
