"""Points as packed bytes: what a chunk and a fragment hold.

Steps never fall within a stream, so a chunk whose stride is constant needs none: first, last and their number say
all. Otherwise the differences are kept, in the smallest unsigned type that holds them. Values stay in the type they
came in.
"""

from dataclasses import dataclass

import numpy as np

from ergoscope_server.store.points import FloatArray, IntArray, Points

CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """`n` points of one stream; `arrived` is the newest arrival among them."""

    n: int
    first: int
    last: int
    arrived: int
    steps: bytes | None
    body: bytes

    def points(self) -> Points:
        """Give the points."""
        return Points(self.step_array(), self.values())

    def step_array(self) -> IntArray:
        """Give the steps, shape (n,)."""
        return unpack_steps(self.first, self.last, self.n, self.steps)

    def values(self) -> FloatArray:
        """Give the values, shape (n,), in the type they came in."""
        return np.frombuffer(self.body, "<f4" if len(self.body) == 4 * self.n else "<f8")


def pack_steps(steps: IntArray) -> bytes | None:
    """Pack steps that never fall; None when first, last and their number say all."""
    if len(steps) < 3:
        return None
    # Modulo 2^64 the differences are right even where they are no int64.
    differences = np.diff(steps.view(np.uint64))
    most = int(differences.max())
    if most == int(differences.min()):
        return None
    kind = next(kind for kind in ("<u1", "<u2", "<u4", "<u8") if most <= np.iinfo(kind).max)
    return differences.astype(kind).tobytes()


def unpack_steps(first: int, last: int, n: int, packed: bytes | None) -> IntArray:
    """Give the steps that `pack_steps` packed."""
    steps = np.empty(n, np.uint64)
    steps[0] = first % 2**64
    if packed is None:
        steps[1:] = (last - first) // max(n - 1, 1)
    else:
        steps[1:] = np.frombuffer(packed, f"<u{len(packed) // (n - 1)}")
    return np.cumsum(steps, out=steps).view(np.int64)
