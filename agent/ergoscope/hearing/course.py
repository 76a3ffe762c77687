"""Where a backward pass from a loss would go, read off its graph: which parameters, and whether twice is once too much.

A pass of our own before the job's is safe through what torch itself has made: its nodes only read what they saved.
Functions written in Python, compiled ones among them, may let go of it; hooks on what was saved may compute a forward
pass again, or give a copy away once. The graph is looked at and not run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ergoscope.curvature.graph import objection_to


class Node(Protocol):
    """A node of autograd's graph."""

    @property
    def next_functions(self) -> "tuple[tuple[Node | None, int], ...]": ...


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a tensor was made: the node, and the how manieth of its results. rows: of the tensor's first dimension."""

    node: Node
    result: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A pass that may be run: all of it leads through `place`, and it ends at `parameters`."""

    place: Place
    parameters: list[Tensor]


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
    around = _below(loss, but=place.node)
    while place.node not in around:
        below = place.node.next_functions
        if type(place.node).__name__ != "ToCopyBackward0" or below[0][0] is None:
            return "the loss does not depend on the model's output"
        place = Place(below[0][0], below[0][1], place.rows)
        around = _below(loss, but=place.node)
    through = _below(place.node)
    names: dict[type, list[str]] = {}
    for node in around | through:
        reason = objection_to(node, names)
        if reason:
            return reason
    if any(id(p) in wanted for node in around - {place.node} for p in _parameter(node)):
        return "a part of the loss reaches parameters by another way than the model's output"
    found = [p for node in through for p in _parameter(node) if id(p) in wanted]
    if any(p._backward_hooks for p in found):
        return "a parameter has hooks of the job's own"
    return Course(place, found) if found else "the model's output depends on none of the parameters"


def _below(start: Node, *, but: Node | None = None) -> set[Node]:
    """The node and all that it leads to; `but` is among them, what is below it is not."""
    seen, open_ = {start}, [start]
    while open_:
        node = open_.pop()
        if node is but:
            continue
        for below, _ in node.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                open_.append(below)
    return seen


def _parameter(node: Node) -> Iterator[Tensor]:
    if type(node).__name__ == "AccumulateGrad":
        yield node.variable  # type: ignore[attr-defined]  # this kind of node has it
