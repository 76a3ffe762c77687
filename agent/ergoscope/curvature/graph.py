"""What a loss's graph is made of, and what of it stands in the way of differentiating it again.

A second derivative through the job's own graph is exact, but not every graph allows it, and some give a wrong answer
without a word: a Python function whose backward pass is `once_differentiable`, as hand-written kernels are, drops the
curvature that goes through it, and what is left is still symmetric. So such graphs are recognised by what they hold,
before anything is tried.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node

_FUSED = (
    "ScaledDotProductFlashAttentionForCpuBackward0",
    "ScaledDotProductFlashAttentionBackward0",
    "ScaledDotProductEfficientAttentionBackward0",
    "ScaledDotProductCudnnAttentionBackward0",
)
TOO_MANY = 200_000


class Obstacle(StrEnum):
    """Why a graph cannot be differentiated a second time."""

    NONE = ""
    NO_GRAPH = "the loss has no graph"
    COMPILED = "part of it is compiled, and a compiled graph can be differentiated once only"
    REENTRANT = "it holds reentrant checkpoints, whose inside is not part of the graph"
    HOOKED = "modules or parameters have backward hooks, which would run once more for each product"
    DROPOUT = "it holds fused attention with dropout, whose mask is not kept"
    TOO_LARGE = f"it has more than {TOO_MANY:,} nodes"


_OPAQUE = {
    "CompiledFunctionBackward": Obstacle.COMPILED,
    "CheckpointFunctionBackward": Obstacle.REENTRANT,
    "BackwardHookFunctionBackward": Obstacle.HOOKED,
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    fused: nodes of fused attention, which need help to be differentiated twice.
    custom: names of Python functions in the graph: what they do is unknown, so a result needs to be verified.
    obstacle: the first that was met; `Obstacle.NONE` when there is none.
    """

    fused: tuple[Node, ...] = ()
    custom: tuple[str, ...] = ()
    obstacle: Obstacle = Obstacle.NONE


def survey(roots: Tensor | Sequence[Tensor], parameters: Iterable[Tensor] = ()) -> Survey:
    """Walk the graph of `roots`, once through each node.

    Args:
        roots: A loss as the job is about to go backward from it, or what a model gave.
        parameters: Looked at for hooks of the user's, which fire at each extra pass.
    """
    roots = [roots] if isinstance(roots, Tensor) else roots
    if all(root.grad_fn is None for root in roots):
        return Survey(obstacle=Obstacle.NO_GRAPH)
    if any(p._backward_hooks for p in parameters):
        return Survey(obstacle=Obstacle.HOOKED)
    nodes = _walk(roots)
    if nodes is None:
        return Survey(obstacle=Obstacle.TOO_LARGE)
    fused = [node for node in nodes if node.name() in _FUSED]
    custom = {node.name() for node in nodes if issubclass(type(node), BackwardCFunction)}
    opaque = next((_OPAQUE[name] for name in sorted(custom) if name in _OPAQUE), Obstacle.NONE)
    if not opaque and any(getattr(node, "_saved_dropout_p", 0.0) for node in fused):
        opaque = Obstacle.DROPOUT
    return Survey(tuple(fused), tuple(sorted(custom)), opaque)


def objection(loss: Tensor) -> str:
    """Why no pass but the job's own may go backward from a loss; empty when one may.

    Returns:
        The end of a sentence.
    """
    names: dict[type, list[str]] = {}
    return next((reason for node in _walk([loss]) or () if (reason := objection_to(node, names))), "")


def objection_to(node: object, names: dict[type, list[str]]) -> str:
    """Why no pass but the job's own may go through one node; `names` keeps what was found out about its kind.

    What torch itself has made only reads what it saved. Functions written in Python, compiled ones among them, may let
    go of it; hooks on what was saved may compute a forward pass again, or give a copy away once.
    """
    kind = type(node)
    if getattr(torch._C._functions, kind.__name__, None) is not kind:
        return f"{kind.__name__} in the graph of the loss may go backward only once"
    if kind not in names:
        names[kind] = [name for name in dir(kind) if name.startswith("_raw_saved_")]
    for name in names[kind]:
        saved = getattr(node, name)
        for one in saved if isinstance(saved, (list, tuple)) else (saved,):
            if getattr(one, "unpack_hook", one) is not None:  # a torch that does not say may have one
                return "what the graph has saved goes through hooks, as checkpoints and offloading make it"
    return ""


def _walk(outputs: Iterable[Tensor]) -> list[Node] | None:
    """List all nodes behind outputs, nearest first; None when there are too many."""
    nodes = list(dict.fromkeys(one.grad_fn for one in outputs if one.grad_fn is not None))
    seen = set(nodes)
    for node in nodes:  # grows while it is walked
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                nodes.append(before)
        if len(nodes) > TOO_MANY:
            return None
    return nodes
