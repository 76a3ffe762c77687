"""How far a model's answers are from what they should be, as the graph of a squared error keeps it.

`mse_loss` saves the answers and their targets. A squared difference saves the difference; it is one from a target where
one of its two sides needs no gradient.
"""

from torch import Tensor

from ergoscope.hearing.nearby import kind, nearest, saved
from ergoscope.hearing.node import Node

_SQUARED = ("MseLossBackward", "PowBackward")


def residuals_of(roots: object) -> Tensor | None:
    """Answers less targets of the squared error nearest to the roots of a backward pass.

    Args:
        roots: What `torch.autograd.backward` was given.

    Returns:
        A tensor of its own, on its device, not waited for; None where there is not exactly one that can be read.

    Example:
        >>> import torch
        >>> answers = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> residuals_of((answers - torch.tensor([0.0, 4.0])).square().mean())
        tensor([ 1., -2.])
    """
    found = nearest(roots, _SQUARED)
    return _read(found[0]) if len(found) == 1 else None


def _read(node: Node) -> Tensor | None:
    answers = saved(node, "self")
    if answers is None or answers.is_complex():
        return None
    if kind(node) == "MseLossBackward":
        targets = saved(node, "target")
        return None if targets is None else answers - targets
    sign = _sign(node) if node._saved_exponent == 2 else 0  # type: ignore[attr-defined]  # this kind of node has it
    return sign * answers if sign else None


def _sign(square: Node) -> int:
    """1 where what is squared is an answer less a target, -1 the other way around, 0 where it is neither."""
    below = square.next_functions[0][0]
    if below is None or kind(below) != "SubBackward":
        return 0
    first, second = (side is not None for side, _ in below.next_functions)
    return first - second
