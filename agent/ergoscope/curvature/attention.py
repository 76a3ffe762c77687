"""Fused attention, made differentiable twice for as long as we look at it.

The backward pass of a fused kernel has no derivative of its own. Its node in the graph keeps what went in, so while we
build a graph of gradients a hook on the node replaces what the kernel gives by the same gradients written out:

    P = softmax(s Q Kᵀ + M),  dV = Pᵀ dO,  dP = dO Vᵀ,  dS = P ∘ (dP - rowsum(dP ∘ P)),  dQ = s dS K,  dK = s dSᵀ Q

The job's own backward pass builds no graph of gradients, so the kernel's own bits reach it unchanged. The matrix P is
written out in that pass: memory grows with the square of the sequence's length.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, cast

import torch
from torch import Tensor
from torch.autograd.graph import Node

Gradients = tuple[Tensor | None, ...]


class _Attention(Protocol):
    """What a node of fused attention keeps; not every kernel keeps all of it."""

    _saved_query: Tensor
    _saved_key: Tensor
    _saved_value: Tensor


def open_attention(nodes: Iterable[Node]) -> AbstractContextManager[object]:
    """Make fused attention differentiable twice until the context ends."""
    stack = ExitStack()
    for node in nodes:
        stack.callback(node.register_hook(_rewriting(node)).remove)
    return stack


def _rewriting(node: Node) -> Callable[[Gradients, Gradients], Gradients | None]:
    kept = cast(_Attention, node)

    def rewrite(inner: Gradients, outer: Gradients) -> Gradients | None:
        """Replace `inner`, the gradients of query, key, value and mask, given `outer`, that of the output first."""
        if not torch.is_grad_enabled() or outer[0] is None:
            return None  # the job's own pass, or attention that the loss does not depend on
        mask = _first(node, "attn_mask", "attn_bias")
        scale = _first(node, "scale")
        parts = attention_gradients(
            kept._saved_query,
            kept._saved_key,
            kept._saved_value,
            outer[0],
            mask=mask if isinstance(mask, Tensor) else None,
            scale=scale if isinstance(scale, float) else None,
            causal=bool(_first(node, "is_causal")),
        )
        return tuple(
            part.to(old.dtype) if old is not None and part is not None else old
            for old, part in zip(inner, (*parts, *[None] * len(inner)), strict=False)
        )

    return rewrite


def _first(node: object, *names: str) -> object:
    return next((getattr(node, f"_saved_{name}") for name in names if hasattr(node, f"_saved_{name}")), None)


def attention_gradients(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    outer: Tensor,
    *,
    mask: Tensor | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Write out the gradients of softmax(s Q Kᵀ + M) V, computed in at least fp32.

    Args:
        query: Shape (batch, heads, T, width).
        key: Shape (batch, heads, S, width); fewer heads than the query's are shared by groups of these.
        value: Shape (batch, heads, S, width of values).
        outer: The gradient of the output, shape (batch, heads of the query, T, width of values).
        mask: Added to the scores, or boolean with True where a key may be seen; broadcast to (batch, heads, T, S).
        scale: s; None is 1 / √width.
        causal: A query sees the keys up to its own place.

    Returns:
        Gradients of query, key, value, and of the mask if that is one of numbers.
    """
    wide = torch.promote_types(query.dtype, torch.float32)
    q, k, v, do = (t.to(wide) for t in (query, key, value, outer))
    groups = q.shape[1] // k.shape[1]
    k, v = (t.repeat_interleave(groups, 1) if groups > 1 else t for t in (k, v))
    s = 1.0 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = s * (q @ k.transpose(-2, -1))
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -math.inf)
    numbers = mask is not None and mask.dtype != torch.bool
    if mask is not None:
        scores = scores + mask.to(wide) if numbers else scores.masked_fill(~mask, -math.inf)
    p = scores.softmax(-1)
    dp = do @ v.transpose(-2, -1)
    ds = p * (dp - (dp * p).sum(-1, keepdim=True))
    dq, dk, dv = s * (ds @ k), s * (ds.transpose(-2, -1) @ q), p.transpose(-2, -1) @ do
    if groups > 1:
        dk, dv = (t.reshape(t.shape[0], -1, groups, *t.shape[2:]).sum(2) for t in (dk, dv))
    return dq, dk, dv, ds.sum_to_size(mask.shape) if mask is not None and numbers else None
