"""Nodes near the loss in autograd's graph, and what they have saved for the backward pass.

No forward pass of ours and no hook. What a job has put hooks on is left alone: reading it may compute a checkpoint
again or copy from the host.
"""

from collections.abc import Sequence

from torch import Tensor

from ergoscope.hearing.node import Node
from ergoscope.shards import is_spread

_NODES = 64  # of the graph, from the loss on, that are looked at


def nearest(roots: object, kinds: Sequence[str]) -> list[Node]:
    """The nodes of some kinds that are nearest to the roots of a backward pass: all that are as near as the first.

    Args:
        roots: What `torch.autograd.backward` was given.
        kinds: Names as `kind` gives them.
    """
    tensors = roots if isinstance(roots, (list, tuple)) else [roots]
    level: list[Node] = [node for node in (getattr(t, "grad_fn", None) for t in tensors) if node is not None]
    looked = 0
    while level and looked < _NODES:
        level = level[: _NODES - looked]
        looked += len(level)
        found = [node for node in level if kind(node) in kinds]
        if found:
            return found
        level = list(dict.fromkeys(below for node in level for below, _ in node.next_functions if below is not None))
    return []


def kind(node: Node) -> str:
    """What made a node: the name of its class without the number at its end."""
    return type(node).__name__.rstrip("0123456789")


def saved(node: Node, name: str) -> Tensor | None:
    """A tensor that a node has saved, without its graph; None where it cannot be read, or must not be.

    It shares memory with the graph: not to be kept or changed.
    """
    try:
        raw = getattr(node, f"_raw_saved_{name}")
        if getattr(raw, "unpack_hook", raw) is not None:  # of a torch that does not say, nothing is read
            return None
        value = getattr(node, f"_saved_{name}")
    except (AttributeError, RuntimeError):  # the graph is gone, or somebody wrote over it
        return None
    return value.detach() if isinstance(value, Tensor) and not is_spread(value) else None
