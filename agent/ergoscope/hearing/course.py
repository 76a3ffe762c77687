"""Where a backward pass from a loss would go, read off its graph: which parameters, and whether twice is once too much.

A pass of our own before the job's is safe through what torch itself has made: its nodes only read what they saved.
Functions written in Python, compiled ones among them, may let go of it; hooks on what was saved may compute a forward
pass again, or give a copy away once. The graph is looked at and not run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ergoscope.curvature.graph import objection_to
from ergoscope.hearing.node import Node, below, is_leaf
from ergoscope.hearing.penalty import penalties


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a tensor was made: the node, and the how manieth of its results. rows: of the tensor's first dimension."""

    node: Node
    result: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A pass that may be run: it leads through `place` or through `penalties`, and it ends at `parameters`.

    penalties: nodes at which parts of the loss begin that are functions of the parameters alone.
    """

    place: Place
    parameters: list[Tensor]
    penalties: Sequence[Node] = ()


def course_of(loss: Node, place: Place, wanted: set[int]) -> Course | str:
    """Find the parameters that a pass from `loss` reaches through `place`.

    A model whose output was converted to another precision for the caller may have made its loss of what it was before:
    then the place is that one.

    Args:
        loss: The node that made the loss.
        place: Where the model's output was made.
        wanted: Ids of the parameters that matter.

    Returns:
        The course, or why there is none: the reason ends a sentence.
    """
    around = below(loss, but=place.node)
    while place.node not in around:
        source, result = place.node.next_functions[0]
        if type(place.node).__name__ != "ToCopyBackward0" or source is None:
            return "the loss does not depend on the model's output"
        place = Place(source, result, place.rows)
        around = below(loss, but=place.node)
    through = below(place.node)
    names: dict[type, list[str]] = {}
    for node in around | through:
        reason = objection_to(node, names)
        if reason:
            return reason
    aside = _parameters(around - {place.node}, wanted)
    begins = penalties(loss, place.node, through) if aside else []
    if begins is None:
        return "a part of the loss reaches parameters by another way than the model's output"
    found = _parameters(through, wanted)
    if any(p._backward_hooks for p in (found | aside).values()):
        return "a parameter has hooks of the job's own"
    if not found:
        return "the model's output depends on none of the parameters"
    return Course(place, list((found | aside).values()), begins)


def _parameters(nodes: set[Node], wanted: set[int]) -> dict[int, Tensor]:
    """Those in which a pass over some nodes ends, by their ids."""
    leaves = (node for node in nodes if is_leaf(node))
    found: list[Tensor] = [node.variable for node in leaves]  # type: ignore[attr-defined]  # this kind of node has it
    return {id(p): p for p in found if id(p) in wanted}
