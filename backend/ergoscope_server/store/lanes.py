"""Lanes: how points in any step order are kept in streams whose steps never fall.

A point goes to the first lane whose last step is not above its own. Then nothing written is ever rewritten, and the
lanes' last steps stand in falling order. Of two points at one step the newer never stands in an earlier lane: when
the older went to a lane, all earlier ones had passed that step already. So lane order is arrival order, step by step.
"""

from collections.abc import Sequence

import numpy as np

from ergoscope_server.store.points import IntArray

MOST_LANES = 8


def in_order(steps: IntArray) -> bool:
    """Whether steps never fall."""
    return bool((steps[1:] >= steps[:-1]).all())


def place(steps: IntArray, last_steps: Sequence[int]) -> list[tuple[int, int, int]]:
    """Say which lane takes which points.

    Args:
        steps: Never falling, at least one.
        last_steps: Of each lane there is, so in falling order.

    Returns:
        (lane, start, end): points start to end go to that lane; a lane of len(last_steps) is new.

    Example:
        >>> place(np.array([3, 5, 9]), [8, 4])
        [(2, 0, 1), (1, 1, 2), (0, 2, 3)]
    """
    if not last_steps or steps[0] >= last_steps[0]:
        return [(0, 0, len(steps))]
    # Lane k takes the steps from its last step up to, but not including, the last step of lane k - 1.
    cuts = [0, *np.searchsorted(steps, np.array(last_steps[::-1])).tolist(), len(steps)]
    lanes = range(len(last_steps), -1, -1)
    return [(lane, a, b) for lane, a, b in zip(lanes, cuts[:-1], cuts[1:], strict=True) if b > a]
