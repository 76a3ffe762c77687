"""A node of autograd's graph, and all that it leads to."""

from collections.abc import Iterator
from typing import Protocol


class Node(Protocol):
    """A node of autograd's graph."""

    @property
    def next_functions(self) -> "tuple[tuple[Node | None, int], ...]": ...


def below(*starts: Node, but: Node | None = None) -> set[Node]:
    """Some nodes and all that they lead to; `but` is among them, what is below it is not."""
    seen, open_ = {*starts}, [*starts]
    while open_:
        node = open_.pop()
        if node is but:
            continue
        for other in next_of(node):
            if other not in seen:
                seen.add(other)
                open_.append(other)
    return seen


def next_of(node: Node) -> Iterator[Node]:
    """The nodes to which it passes a gradient on."""
    return (other for other, _ in node.next_functions if other is not None)


def is_leaf(node: Node) -> bool:
    """Whether a gradient ends here, at a parameter or another tensor that gathers it."""
    return type(node).__name__ == "AccumulateGrad"
