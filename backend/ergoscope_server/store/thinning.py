"""What is left of a chunk that is thinned: its first point, and the last one of each cell of the pyramid over it.

They are points as they were logged, so a thinned series reads as a sparse one; lows, highs, means and counts stay in
the pyramid. First and last step stay what they were, so a chunk is found by its steps as before.
"""

import numpy as np

from ergoscope_server.store.packing import CHUNK, Packed, pack_steps
from ergoscope_server.store.pyramid import LEAF

LEFT = np.concatenate([[0], np.arange(LEAF - 1, CHUNK, LEAF)])  # places of the points that are left


def thin(packed: Packed) -> Packed:
    """Thin a whole chunk; a thinned one stays as it is."""
    if packed.n != CHUNK:
        return packed
    points = packed.points()
    steps, values = points.steps[LEFT], points.values[LEFT]
    return Packed(len(LEFT), packed.first, packed.last, packed.arrived, pack_steps(steps), values.tobytes())


def points_in(body: bytes) -> int:
    """Say how many points a chunk holds, by its body: all, or those that are left."""
    return CHUNK if len(body) >= 4 * CHUNK else len(LEFT)
