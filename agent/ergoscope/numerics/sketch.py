"""A CountSketch: many tensors as one short vector, with which lengths, distances and angles can still be told.

Every entry is added to one of k buckets under a sign of its own. The sum is linear, so the difference of two sketches
is the sketch of the difference, and

    E s(x)·s(y) = x·y,    Var ‖s(x)‖² = 2 ‖x‖⁴ / k  for entries that spread evenly over the buckets,

which is a relative error of √(2/k) for a squared length and of √(1/k) for a cosine near 0. Source: Charikar, Chen,
Farach-Colton (2002); the error of ‖s‖²: Weinberger et al. (2009), appendix.

An entry costs one multiplication and one addition, and its sign no hashing: a tensor is cut into pieces, and each piece
is multiplied by a stretch of one long list of signs and added to k rotating buckets:

    entry p of piece c:   bucket (turn_c + p) mod k,   sign  flip_c · signs[start_c + p],

with turn, flip and start drawn from a hash of the parameter's name and the seed, the same on every machine. Three
things keep structure in the tensor from piling up, which signs by row would not: k is prime, so that no width of a
layer leads a column back to one bucket; within a piece every entry has a sign of its own; and the flips of pieces are
independent, so products across pieces have mean zero even where their stretches overlap. Overlaps of stretches cost
variance only, and only for tensors whose entries all agree: at most 4/k in place of 2/k, see the tests.
"""

from collections.abc import Iterator, Sequence
from hashlib import shake_256

import numpy as np
import torch
from torch import Tensor

BUCKETS = 1021  # the largest prime below 1,024
SEED = 0
_ROWS = (64, 1024)  # buckets go round so often in one piece: of a usual tensor, of a large one
_LARGE = 1 << 21  # entries from which a tensor is large: fewer operations, and more memory for signs
_STRETCHES = 4  # length of the list of signs in pieces


class Sketcher:
    """Makes sketches that can be compared with each other and with those of any sketcher of the same seed and size.

    Attributes:
        buckets: Numbers in a sketch.
        seed: What the signs follow from.
    """

    def __init__(self, *, buckets: int = BUCKETS, seed: int = SEED) -> None:
        """Make the signs for usual tensors on the CPU, so that the first sketch there costs no more than the others.

        Those for large tensors and for other devices are made when they are first needed.

        Args:
            buckets: Numbers in a sketch; a prime, unless no tensor has a structure with a period.
            seed: Sketches of different seeds cannot be compared.

        Raises:
            ValueError: There is less than one bucket.
        """
        if buckets < 1:
            raise ValueError(f"buckets is {buckets}; it must be at least 1")
        self.buckets = buckets
        self.seed = seed
        self._tables: dict[tuple[torch.device, int], _Table] = {}
        with torch.no_grad():
            self.sketch([""], [torch.zeros(1, device="cpu")])

    def sketch(self, names: Sequence[str], tensors: Sequence[Tensor]) -> Tensor | None:
        """Sketch the concatenation of named tensors; a tensor left out counts as zeros.

        Entries are taken in logical order, so runs with other memory formats compare; that costs tensors that are not
        contiguous a copy. Half and double precision are rounded to fp32, of complex numbers both parts are entries.
        Sparse tensors are left out, whatever they hold: making them dense could exhaust the memory.

        Args:
            names: One a tensor, different ones.
            tensors: On any devices. No gradient may be recorded.

        Returns:
            fp32, shape (buckets,), on the first tensor's device and not waited for; None when every tensor is sparse
            or empty.
        """
        used: dict[_Table, None] = {}  # in order
        for name, tensor in zip(names, tensors, strict=True):
            if tensor.layout == torch.strided and tensor.numel():
                flat = _flat(tensor)
                table = self._table(flat)
                if table not in used:
                    table.sums.zero_()
                    used[table] = None
                table.add(name, flat)
        folded = [table.fold() for table in used]
        if not folded:
            return None
        device = folded[0].device
        total = folded[0]
        for more in folded[1:]:
            total = total + more.to(device, non_blocking=True)
        return total

    def _table(self, flat: Tensor) -> "_Table":
        rows = _ROWS[flat.numel() >= _LARGE]
        key = (flat.device, rows)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = _Table(rows, self.buckets, self.seed, flat.device)
        return table


class _Table:
    """The signs and sums of one device and one length of pieces."""

    def __init__(self, rows: int, buckets: int, seed: int, device: torch.device) -> None:
        self._rows, self._buckets, self._seed = rows, buckets, seed
        self._piece = rows * buckets
        self._signs = _signs(f"{seed} {rows}", _STRETCHES * self._piece, device)
        self.sums = torch.zeros(self._piece + buckets, dtype=torch.float32, device=device)
        self._places: dict[tuple[str, int], list[tuple[Tensor, Tensor, float]]] = {}

    def add(self, name: str, flat: Tensor) -> None:
        """Add a flat tensor's entries to the sums."""
        key = (name, flat.numel())
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = list(self._find_places(name, flat.numel()))
        for c, (sums, signs, flip) in enumerate(places):
            piece = flat[c * self._piece : (c + 1) * self._piece] if len(places) > 1 else flat
            sums.addcmul_(piece if piece.dtype == torch.float32 else piece.float(), signs, value=flip)

    def fold(self) -> Tensor:
        """The sums of each bucket, shape (buckets,)."""
        return self.sums.view(self._rows + 1, self._buckets).sum(0)

    def _find_places(self, name: str, entries: int) -> Iterator[tuple[Tensor, Tensor, float]]:
        # For each piece: where its sums go, which signs it has, and its flip.
        starts = (_STRETCHES - 1) * self._piece + 1
        pieces = -(-entries // self._piece)
        drawn = shake_256(f"{self._seed} {self._rows} {name}".encode(errors="replace")).digest(8 * pieces)
        for c in range(pieces):
            length = min(self._piece, entries - c * self._piece)
            number = int.from_bytes(drawn[8 * c : 8 * c + 8], "little")
            number, flip = divmod(number, 2)
            number, turn = divmod(number, self._buckets)
            start = number % starts
            yield self.sums[turn : turn + length], self._signs[start : start + length], 1.0 - 2.0 * flip


def _signs(seed: str, length: int, device: torch.device) -> Tensor:
    packed = shake_256(seed.encode()).digest(-(-length // 8))
    bits = torch.from_numpy(np.unpackbits(np.frombuffer(packed, np.uint8), count=length))
    if device.type == "cuda":
        bits = bits.pin_memory()  # so that the copy is queued and nobody waits for it
    return bits.to(device, non_blocking=True).float().mul_(-2.0).add_(1.0)


def _flat(tensor: Tensor) -> Tensor:
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.reshape(-1)
