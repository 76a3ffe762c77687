"""By how much each example's right answer beats the best wrong one, and what many such margins come to."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 1 << 22  # scores that are copied at once
_SMALL = -15.0  # below it log(1 + e^s) is e^s to 2e-7 of itself


def margins_of_classes(scores: Tensor, targets: Tensor, ignored: int) -> tuple[Tensor, Tensor]:
    """Margins f_y - max f_j and slacks log(sum of e^(f_j - f_y)), j over the other classes.

    Logits and their log-probabilities give the same.

    Args:
        scores: Real, shape (n, C), C at least 2; not changed.
        targets: Right classes, shape (n,).
        ignored: Class of examples that do not count: their margin is infinite, their slack minus infinity.

    Returns:
        Two fp32 tensors, shape (n,), on the same device, not waited for.
    """
    margins, slacks = [], []
    rows = max(1, CHUNK // scores.shape[1])
    for part, right in zip(torch.split(scores, rows), torch.split(targets, rows), strict=True):
        out = right == ignored
        at = right.masked_fill(out, 0).unsqueeze(1)
        values = part.float()
        own = values.gather(1, at).squeeze(1)
        others = values.scatter(1, at, -math.inf)
        margins.append((own - others.amax(1)).masked_fill_(out, math.inf))
        slacks.append((others.logsumexp(1) - own).masked_fill_(out, -math.inf))
    return torch.cat(margins), torch.cat(slacks)


def margins_of_signs(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Margins (2y - 1) f and slacks, their negatives, of answers with two sides.

    Args:
        logits: Real, shape (n,).
        targets: 1 or 0, shape (n,); what is between does not count, as in `margins_of_classes`.

    Returns:
        Two fp32 tensors, shape (n,), on the same device, not waited for.
    """
    side = 2.0 * targets.float() - 1.0
    out = side.abs() != 1.0
    margins = side * logits.float()
    return margins.masked_fill(out, math.inf), (-margins).masked_fill_(out, -math.inf)


def pooled(margins: Sequence[Tensor], slacks: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Smallest margin, the margin below which a tenth of the examples lie, and -log(sum of losses), in this order.

    The loss of an example is log(1 + e^slack), its cross-entropy, so close to e^-margin once it is small.

    Args:
        margins: One tensor a backward pass.
        slacks: Likewise.
        shares: Of each pass the share of its examples that are there; the sum is scaled up to all of them.

    Returns:
        fp32, shape (3,), on the device of the first, not waited for; the smallest is infinite when nothing counts.
    """
    device = margins[0].device
    every = torch.cat([m.to(device) for m in margins]).sort().values
    counting = (every != math.inf).sum()
    tenth = every.take(((counting - 1).clamp_min(0) * 0.1).long())
    losses = [_log_loss(s).to(device) - math.log(share) for s, share in zip(slacks, shares, strict=True)]
    # Sorting puts NaN last, so the smallest is asked for by itself.
    return torch.stack([every.amin(), tenth, -torch.cat(losses).logsumexp(0)])


def _log_loss(slack: Tensor) -> Tensor:
    return torch.where(slack < _SMALL, slack, torch.nn.functional.softplus(slack).log())
