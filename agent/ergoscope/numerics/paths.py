"""The sum over all paths through a chain of linear layers of the product of the sizes of their weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

_TINY = 1e-37  # of fp32, so that no paths at all divide by something


def log_paths(matrices: Sequence[Tensor]) -> Tensor:
    """Logarithm of Σ over paths of Π |w|: the sum of what the chain gives of ones when all weights are positive.

    Functions between layers that shrink and keep the sign, as a ReLU, leave it as it is. It takes one product a layer;
    its scale is taken out on the way, so no depth overflows. Source: Neyshabur, Tomioka, Srebro (2015).

    Args:
        matrices: In the order in which they are used, shapes (n₁, n₀), (n₂, n₁), ..., at least one.

    Returns:
        Without dimensions, fp32, on their device, not waited for; -inf where no path is left.

    Raises:
        ValueError: There is none.

    Example:
        >>> first, second = torch.diag(torch.tensor([3.0, 1.0])), torch.tensor([[2.0, -4.0]])
        >>> round(float(log_paths([first, second]).exp()), 4)
        10.0
    """
    if not matrices:
        raise ValueError("there are no matrices; a path goes through one at least")
    ways = torch.ones(matrices[0].shape[1], dtype=torch.float32, device=matrices[0].device)
    size = ways.new_zeros(())
    with torch.autocast(ways.device.type, enabled=False):
        for matrix in matrices:
            ways = torch.mv(matrix.detach().float().abs(), ways)
            total = ways.sum()
            size, ways = size + total.log(), ways / total.clamp_min(_TINY)
    return size
