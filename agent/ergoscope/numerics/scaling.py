"""Whether a loss was multiplied by a GradScaler before it was sent backward."""

import sys
from types import FrameType

from torch import Tensor

_DEPTH = 24  # frames between an optimizer's hook and the scaler that called it


def factor_of(loss: object) -> Tensor | None:
    """The number that a loss was multiplied by last, if it is a tensor that is not trained.

    Reading what a node has saved runs the hooks that the job put there: at the end of a checkpoint these compute the
    forward pass again. A factor that is trained is no scale, so it is not read.
    """
    node = getattr(loss, "grad_fn", None)
    if node is None or type(node).__name__ != "MulBackward0":
        return None
    ways = node.next_functions
    if len(ways) != 2 or ways[1][0] is not None:
        return None
    try:
        factor = node._saved_other
    except (AttributeError, RuntimeError):  # the graph is gone already
        return None
    return factor if isinstance(factor, Tensor) and factor.numel() == 1 else None


def find_scale() -> Tensor | None:
    """The scale of the GradScaler whose `step` is on the call stack."""
    frame: FrameType | None = sys._getframe()
    for _ in range(_DEPTH):
        if frame is None:
            return None
        code = frame.f_code
        if code.co_name == "step" and code.co_filename.endswith("grad_scaler.py"):
            scale = getattr(frame.f_locals.get("self"), "_scale", None)
            return scale if isinstance(scale, Tensor) else None
        frame = frame.f_back
    return None
