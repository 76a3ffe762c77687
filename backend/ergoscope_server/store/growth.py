"""How a stream takes new points in: fragments are merged as they grow, and become a chunk when there are enough.

A fragment is written once. A new one takes in those before it that are not larger than what it has already, as a
binary counter carries; so a point is rewritten a few times, and a stream has few fragments, however it grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope_server.store.packing import CHUNK, Packed, pack_steps
from ergoscope_server.store.points import IntArray, Points


@dataclass(frozen=True, slots=True)
class Growth:
    """What becomes of a stream's end.

    chunks: the whole chunks that come into being, with their points.
    fragment: what is left after them, None when nothing is.
    """

    chunks: list[tuple[Packed, Points]]
    fragment: Packed | None


def taken_in(tail: Sequence[int], new: int) -> int:
    """Say how many of the last fragments are merged with new points.

    Args:
        tail: Points in each fragment, fewer than CHUNK together.
        new: New points, at least 1.

    Example:
        >>> taken_in([512, 64, 32], 32), taken_in([512, 64, 32], 16), taken_in([512, 64], 448)
        (2, 0, 2)
    """
    if sum(tail) + new >= CHUNK:
        return len(tail)
    taken = 0
    while taken < len(tail) and tail[-1 - taken] <= new:
        taken += 1
        new += tail[-taken]
    return taken


@dataclass(frozen=True, slots=True)
class _Cut:
    start: int
    end: int
    steps: IntArray
    packed: bytes | None


class Layouts:
    """Joins fragments with new points. Series of one table grow in step, so the work on their steps is done once."""

    def __init__(self) -> None:
        # The array itself is kept beside its cuts, so that its id stays its own.
        self._known: dict[tuple[object, ...], tuple[IntArray, list[_Cut]]] = {}

    def grow(self, before: Sequence[Packed], new: Points, *, arrived: int) -> Growth:
        """Merge the fragments that are taken in with new points, and cut what results into chunks and a rest.

        Args:
            before: The fragments taken in; all there are when there are enough points for a chunk.
            new: At least one point; steps never fall from the fragments on.
            arrived: The newest arrival among the new points.
        """
        values = new.values
        if before:
            values = np.concatenate([*(packed.values() for packed in before), values])
        chunks: list[tuple[Packed, Points]] = []
        for cut in self._cuts(before, new.steps):
            some = values[cut.start : cut.end]
            n = cut.end - cut.start
            packed = Packed(n, int(cut.steps[0]), int(cut.steps[-1]), arrived, cut.packed, some.tobytes())
            if n < CHUNK:
                return Growth(chunks, packed)
            chunks.append((packed, Points(cut.steps, some)))
        return Growth(chunks, None)

    def _cuts(self, before: Sequence[Packed], new: IntArray) -> list[_Cut]:
        key = (id(new), *((packed.first, packed.last, packed.n, packed.steps) for packed in before))
        if key not in self._known:
            steps = np.concatenate([*(packed.step_array() for packed in before), new]) if before else new
            bounds = [(start, min(start + CHUNK, len(steps))) for start in range(0, len(steps), CHUNK)]
            cuts = [_Cut(a, b, steps[a:b], pack_steps(steps[a:b])) for a, b in bounds]
            self._known[key] = (new, cuts)
        return self._known[key][1]
