"""A loss as a function of what the model gave, read off its graph: so it can be told of other outputs.

Known are a loss that the model itself gives, and torch's own cross-entropies and squared errors, whose nodes have saved
the targets. Between the output and these only the order of entries may change. Whether all of the loss is such a
function, but for a factor, shows in its slope, which `Criterion.misfit` compares.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.curvature.vectors import wide_dtype
from ergoscope.hearing.nearby import kind, nearest, saved
from ergoscope.hearing.node import Node
from ergoscope.hearing.residuals import residuals_of

_CLASSES = ("NllLossBackward", "NllLoss2DBackward")
_SIDES = "BinaryCrossEntropyWithLogitsBackward"
_ERRORS = ("MseLossBackward", "PowBackward")
Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Criterion:
    """The loss of an output z up to a factor: the mean of what it adds up.

    function: z to these terms, of any shape.
    kept: tensors of the graph that it uses, as long as nobody writes over them; versions: theirs.
    """

    function: Function
    kept: tuple[Tensor, ...] = ()
    versions: tuple[int, ...] = ()

    @property
    def altered(self) -> bool:
        """Whether somebody has written over what it uses."""
        return self.versions != tuple(t._version for t in self.kept)

    def level(self, output: Tensor) -> Tensor:
        """Its value at z, in fp64 (fp32 on Apple's devices), so that small changes can be seen."""
        return self.function(output).to(wide_dtype(output.device)).mean()

    def misfit(self, output: Tensor, loss: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hold it against the loss that it was read off.

        Args:
            output: z.
            loss: f(z), as the job has it.
            slope: ∂f/∂z, likewise.

        Returns:
            Its own value at z, as `level` gives it; the factor that makes this value that of the loss; and how far its
            slope times this factor is from that of the loss, a share without dimensions. On the device, not waited for.
        """
        with torch.enable_grad():
            z = output.detach().requires_grad_()
            own = self.level(z)
            (found,) = torch.autograd.grad(own, z)
        with torch.no_grad():
            factor = loss.detach().reshape(()).to(own.dtype) / own.detach()
            away = torch.linalg.vector_norm(slope.float() - factor.float() * found.float())
            return own.detach(), factor, away / torch.linalg.vector_norm(slope.float())


def criterion_of(loss: Tensor, output: Tensor) -> Criterion | None:
    """Read off how a loss follows from the one tensor of the model's output that it comes from; None if not known."""
    if output.numel() == 1:
        return Criterion(lambda z: z.reshape(()))
    found = nearest(loss, (*_CLASSES, _SIDES, *_ERRORS))
    if len(found) != 1:
        return None
    made_by = kind(found[0])
    if made_by in _CLASSES:
        return _of_classes(found[0], output)
    if made_by == _SIDES:
        return _of_sides(found[0], output)
    return _of_errors(loss, output)


def _of_classes(node: Node, output: Tensor) -> Criterion | None:
    scores, targets, weight = saved(node, "self"), saved(node, "target"), saved(node, "weight")
    arrange = None if scores is None or targets is None else _arrangement(output, scores.shape)
    if arrange is None or targets is None:
        return None
    ignored: int = node._saved_ignore_index  # type: ignore[attr-defined]  # both kinds have it
    ignored -= 1 << 64 if ignored >= 1 << 63 else 0

    def entropies(z: Tensor) -> Tensor:
        return F.cross_entropy(arrange(z), targets, weight, ignore_index=ignored, reduction="none")

    return _keeping(entropies, targets, weight)


def _of_sides(node: Node, output: Tensor) -> Criterion | None:
    targets, weight, positive = saved(node, "target"), saved(node, "weight"), saved(node, "pos_weight")
    if targets is None or targets.numel() != output.numel():
        return None

    def entropies(z: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            z.reshape(targets.shape), targets, weight, pos_weight=positive, reduction="none"
        )

    return _keeping(entropies, targets, weight, positive)


def _of_errors(loss: Tensor, output: Tensor) -> Criterion | None:
    residuals = residuals_of(loss)
    if residuals is None or residuals.numel() != output.numel():
        return None
    targets = output.detach().reshape(residuals.shape) - residuals
    return Criterion(lambda z: (z.reshape(targets.shape) - targets).square())


def _keeping(function: Function, *used: Tensor | None) -> Criterion:
    kept = tuple(t for t in used if t is not None)
    return Criterion(function, kept, tuple(t._version for t in kept))


def _arrangement(output: Tensor, shape: torch.Size) -> Function | None:
    """How logits (..., C), or (N, C, ...), became the scores of a loss, of shape (n, C) or (N, C, ...)."""
    if len(shape) == 2 and output.dim() and output.shape[-1] == shape[1]:
        rows = output.numel() // shape[1]
        if rows == shape[0]:
            return lambda z: z.reshape(shape)
        if output.dim() == 3 and rows - output.shape[0] == shape[0]:  # of a text each token is told the next one
            return lambda z: z[:, :-1].reshape(shape)
    if len(shape) > 2 and output.numel() == shape.numel():
        if output.shape[:2] == shape[:2]:
            return lambda z: z.reshape(shape)
        if output.movedim(-1, 1).shape[:2] == shape[:2]:
            return lambda z: z.movedim(-1, 1).reshape(shape)
    return None
