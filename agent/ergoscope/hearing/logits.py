"""The scores that a model gave its examples, as the graph of the loss keeps them for the backward pass.

A cross-entropy saves its log-probabilities and targets, a binary one its logits. Source of the names: torch's
derivatives.yaml.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ergoscope.hearing.nearby import kind, nearest, saved
from ergoscope.hearing.node import Node
from ergoscope.numerics.histogram import stride

ROWS = 4096  # examples looked at in one loss
ENTRIES = 1 << 24  # scores looked at in one loss
_CLASSES = ("NllLossBackward", "NllLoss2DBackward")
_TWO_SIDES = ("BinaryCrossEntropyWithLogitsBackward", "SoftMarginLossBackward")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores and targets of the examples of one loss.

    scores: shape (n, C) for C classes, (n,) for answers with two sides. targets: shape (n,); 0 and 1 for two sides.
    ignored: target of examples that do not count; None for two sides. share: n over the examples of the loss.
    """

    scores: Tensor
    targets: Tensor
    ignored: int | None
    share: float


def scores_of(roots: object) -> list[Scores]:
    """Scores of the losses nearest to the roots of a backward pass; [] where there is none that can be read.

    Of losses at different distances, as with auxiliary ones that are added on, the nearest are taken. Of more than
    4096 examples or 16 million scores every n-th example.

    Args:
        roots: What `torch.autograd.backward` was given.

    Returns:
        Tensors on their device, not waited for. They share memory with the graph: not to be kept or changed.
    """
    found = [_read(node) for node in nearest(roots, (*_CLASSES, *_TWO_SIDES))]
    return [scores for scores in found if scores is not None]


def _read(node: Node) -> Scores | None:
    scores, targets = saved(node, "self"), saved(node, "target")
    if scores is None or targets is None or not scores.numel() or scores.is_complex():
        return None
    made_by = kind(node)
    if made_by in _TWO_SIDES:
        if made_by == "SoftMarginLossBackward":
            targets = (targets + 1) / 2
        return _of_two_sides(scores, targets) if scores.shape == targets.shape else None
    ignored: int = node._saved_ignore_index  # type: ignore[attr-defined]  # both kinds have it
    return _of_classes(scores, targets, ignored - (1 << 64) if ignored >= 1 << 63 else ignored)


def _of_two_sides(logits: Tensor, targets: Tensor) -> Scores:
    logits, targets = logits.reshape(-1), targets.reshape(-1)
    step = stride(len(logits), ROWS)
    logits, targets, total = logits[::step], targets[::step], len(logits)
    return Scores(logits, targets, None, len(logits) / total)


def _of_classes(scores: Tensor, targets: Tensor, ignored: int) -> Scores | None:
    if scores.dim() == 1:
        scores, targets = scores.unsqueeze(0), targets.reshape(1)
    classes = scores.shape[1]
    if classes < 2:
        return None
    total = targets.numel()
    step = stride(total, max(1, min(ROWS, ENTRIES // classes)))
    if scores.dim() == 2:
        scores, targets = scores[::step], targets[::step]
    else:  # (N, C, ...): each place is an example
        at = torch.unravel_index(torch.arange(0, total, step, device=targets.device), targets.shape)
        scores, targets = scores.movedim(1, -1)[at], targets[at]
    return Scores(scores, targets, ignored, len(targets) / total)
