"""Many tensors as one vector and back, in the order of the parameters they belong to."""

from collections.abc import Sequence

import torch
from torch import Tensor


def join(parts: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    """Lay parts end to end as one vector of at least fp32, without a graph; None stands for zeros.

    Args:
        parts: One for each parameter, of its shape.
        parameters: Give the shapes and the device.

    Example:
        >>> join([torch.ones(2), None], [torch.zeros(2), torch.zeros(1)])
        tensor([1., 1., 0.])
    """
    flat = []
    for part, parameter in zip(parts, parameters, strict=True):
        dtype = torch.promote_types(parameter.dtype, torch.float32)
        if part is None:
            flat.append(torch.zeros(parameter.numel(), dtype=dtype, device=parameter.device))
        else:
            flat.append(part.detach().reshape(-1).to(dtype))
    return torch.cat(flat)


def split(vector: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Cut a vector into views of the parameters' shapes.

    Args:
        vector: Shape (entries of all parameters,).
        parameters: Give the shapes.

    Raises:
        ValueError: the vector has another length.
    """
    sizes = [p.numel() for p in parameters]
    if vector.shape != (sum(sizes),):
        raise ValueError(f"vector has shape {tuple(vector.shape)}; the parameters need ({sum(sizes)},)")
    return [piece.view(p.shape) for piece, p in zip(torch.split(vector, sizes), parameters, strict=True)]
