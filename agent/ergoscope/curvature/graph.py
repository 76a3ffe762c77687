"""What a loss's graph is made of, and what of it stands in the way of differentiating it again.

A second derivative through the job's own graph is exact, but not every graph allows it, and some give a wrong answer
without a word: a Python function whose backward pass is `once_differentiable`, as hand-written kernels are, drops the
curvature that goes through it, and what is left is still symmetric. So such graphs are recognised by what they hold,
before anything is tried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node

_FUSED = (
    "ScaledDotProductFlashAttentionForCpuBackward0",
    "ScaledDotProductFlashAttentionBackward0",
    "ScaledDotProductEfficientAttentionBackward0",
    "ScaledDotProductCudnnAttentionBackward0",
)
_TOO_MANY = 200_000


class Obstacle(StrEnum):
    """Why a graph cannot be differentiated a second time."""

    NONE = ""
    NO_GRAPH = "the loss has no graph"
    COMPILED = "part of it is compiled, and a compiled graph can be differentiated once only"
    REENTRANT = "it holds reentrant checkpoints, whose inside is not part of the graph"
    HOOKED = "modules or parameters have backward hooks, which would run once more for each product"
    DROPOUT = "it holds fused attention with dropout, whose mask is not kept"
    TOO_LARGE = f"it has more than {_TOO_MANY:,} nodes"


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


def survey(loss: Tensor, parameters: Iterable[Tensor] = ()) -> Survey:
    """Walk the graph of `loss`, once through each node.

    Args:
        loss: As the job is about to go backward from it.
        parameters: Looked at for hooks of the user's, which fire at each extra pass.
    """
    if loss.grad_fn is None:
        return Survey(obstacle=Obstacle.NO_GRAPH)
    if any(p._backward_hooks for p in parameters):
        return Survey(obstacle=Obstacle.HOOKED)
    nodes = _walk([loss])
    if nodes is None:
        return Survey(obstacle=Obstacle.TOO_LARGE)
    fused = [node for node in nodes if node.name() in _FUSED]
    custom = {node.name() for node in nodes if issubclass(type(node), BackwardCFunction)}
    opaque = next((_OPAQUE[name] for name in sorted(custom) if name in _OPAQUE), Obstacle.NONE)
    if not opaque and any(getattr(node, "_saved_dropout_p", 0.0) for node in fused):
        opaque = Obstacle.DROPOUT
    return Survey(tuple(fused), tuple(sorted(custom)), opaque)


def fused_attention(outputs: Iterable[Tensor]) -> list[Node]:
    """List the nodes of fused attention that outputs come from."""
    return [node for node in _walk(outputs) or () if node.name() in _FUSED]


def _walk(outputs: Iterable[Tensor]) -> list[Node] | None:
    """List all nodes behind outputs, nearest first; None when there are too many."""
    nodes = list(dict.fromkeys(one.grad_fn for one in outputs if one.grad_fn is not None))
    seen = set(nodes)
    for node in nodes:  # grows while it is walked
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                nodes.append(before)
        if len(nodes) > _TOO_MANY:
            return None
    return nodes
