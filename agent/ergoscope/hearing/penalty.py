"""Which parts of a loss are penalties: functions of the parameters alone, so the same for whatever rows a batch has.

A graph does not say what is data, but data enter where an input of an operation has no gradient. So a penalty is what
is made of parameters by a few known operations, each of them without such an input: `w.square().sum()` is one, and a
second loss of some hidden layer is not. A number is no data, nor is what is added to something without dimensions. A
penalty around weights that are kept, ‖w - w₀‖², is left out: w₀ looks like a row.
"""

import torch
from torch import Tensor

from ergoscope.hearing.node import Node, below, is_leaf, next_of

_SUMS = ("AddBackward0", "SubBackward0")
_TIMES = ("MulBackward0", "DivBackward0")
_SHAPES = ("StackBackward0", "CatBackward0", "ViewBackward0", "ToCopyBackward0", "CloneBackward0", "NegBackward0")
_WHOLE = ("SumBackward0", "MeanBackward0")
_NORMS = ("LinalgVectorNormBackward0", "NormBackward0", "NormBackward1", "DotBackward0", "MaxBackward1")
_REDUCTIONS = (*_WHOLE, *_NORMS, "SumBackward1", "MeanBackward1")
_FUNCTIONS = ("PowBackward0", "AbsBackward0", "SqrtBackward0", "ReluBackward0")
_NUMBERS = (torch.float64, torch.int64)  # what autograd keeps of a number of Python


def penalties(loss: Node, output: Node, inside: set[Node]) -> list[Node] | None:
    """Find where the parts of a loss begin that do not come through a model's output.

    Args:
        loss: The node that made the loss.
        output: The one that made the output, to which the loss leads.
        inside: It and all that it leads to.

    Returns:
        A node for each part; None unless all of them are penalties that were added to what comes of the output, so that
        what the output gets is the same with them and without.
    """
    parents = _parents(loss, but=output)
    spine = _above(output, parents)
    bent = below(*(node for node in spine - {output} if not _linear(node)), but=output)
    begins: list[Node] = []
    for node in spine - {output}:
        aside = [one for one in next_of(node) if one not in spine]
        if not any(is_leaf(one) for one in below(*aside)):
            continue
        if node in bent or not all(_made_of_parameters(start, inside) for start in aside):
            return None
        begins += aside
    return begins


def _parents(loss: Node, *, but: Node) -> dict[Node, list[Node]]:
    parents: dict[Node, list[Node]] = {loss: []}
    for node in below(loss, but=but):
        for one in () if node is but else next_of(node):
            parents.setdefault(one, []).append(node)
    return parents


def _above(node: Node, parents: dict[Node, list[Node]]) -> set[Node]:
    """The node and all that lead to it."""
    seen, open_ = {node}, [node]
    while open_:
        for parent in parents[open_.pop()]:
            if parent not in seen:
                seen.add(parent)
                open_.append(parent)
    return seen


def _linear(node: Node) -> bool:
    """Whether what comes back through a node does not depend on what went through it."""
    kind = type(node).__name__
    if kind in _TIMES:
        upon = kind == "DivBackward0" and node.next_functions[0][0] is None  # a number divided by it
        return not upon and _constants(node, dtypes=None)
    return kind in _SUMS or kind in _SHAPES or kind in _WHOLE


def _made_of_parameters(start: Node, inside: set[Node]) -> bool:
    """Whether all that is behind a node is parameters and operations on nothing else."""
    seen, open_ = {(start, False)}, [(start, False)]
    while open_:
        node, reduced = open_.pop()
        if is_leaf(node):
            if not reduced:  # one that has no dimensions, to which a row could be added
                return False
            continue
        if node in inside or not _free_of_data(node, reduced):
            return False
        reduced |= type(node).__name__ in _REDUCTIONS
        for one in next_of(node):
            if (one, reduced) not in seen:
                seen.add((one, reduced))
                open_.append((one, reduced))
    return True


def _free_of_data(node: Node, reduced: bool) -> bool:
    kind = type(node).__name__
    whole = all(one is not None for one, _ in node.next_functions)
    if kind in _SUMS:
        return whole or not reduced
    if kind in _TIMES:
        return whole or _constants(node, dtypes=_NUMBERS)
    return whole and (kind in _REDUCTIONS or kind in _FUNCTIONS or kind in _SHAPES)


def _constants(node: Node, *, dtypes: tuple[torch.dtype, ...] | None) -> bool:
    """Whether one factor of a product is without a gradient and without dimensions, and of a type among `dtypes`."""
    missing = [i for i, (one, _) in enumerate(node.next_functions) if one is None]
    kept = getattr(node, ("_saved_self", "_saved_other")[missing[0]]) if len(missing) == 1 else None
    return isinstance(kept, Tensor) and not kept.dim() and (dtypes is None or kept.dtype in dtypes)
