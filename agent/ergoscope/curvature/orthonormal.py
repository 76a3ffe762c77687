"""An orthonormal basis of a few long vectors, made without waiting for the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.vectors import add_scaled, dot, norm

_ROUNDINGS = 16  # what is left of a vector below so many units of rounding is rounding itself


def remove(vector: Tensor, basis: Sequence[Tensor]) -> list[Tensor]:
    """Take out of a vector, in place, what lies in the span of orthonormal ones: twice, as once loses digits.

    "Twice is enough": Parlett (1980), section 6.9.

    Args:
        vector: Shape (size,); changed.
        basis: Orthonormal, or zero where there was nothing to add to the basis.

    Returns:
        How much of each was in it, without dimensions, on the device.

    Example:
        >>> v = torch.tensor([3.0, 4.0])
        >>> [float(part) for part in remove(v, [torch.tensor([1.0, 0.0])])], v.tolist()
        ([3.0], [0.0, 4.0])
    """
    parts: list[Tensor] = []
    for repeat in range(2):
        for place, member in enumerate(basis):
            part = dot(member, vector)
            add_scaled(vector, member, -part)
            if repeat:
                parts[place] = parts[place] + part
            else:
                parts.append(part)
    return parts


def extend(basis: list[Tensor], vector: Tensor) -> Tensor:
    """Put the next vector into an orthonormal basis, by the method of Gram and Schmidt.

    Args:
        basis: Orthonormal; gets one more member: of length 1, or of zeros when the vector lies in the span of the
            others up to 16 units of rounding.
        vector: Shape (size,); changed, and becomes the member.

    Returns:
        Shape (members,), on the device: the vector's coefficients in the new basis, which is a column of R in A = QR.

    Example:
        >>> basis = [torch.tensor([1.0, 0.0])]
        >>> extend(basis, torch.tensor([3.0, 4.0])).tolist(), basis[1].tolist()
        ([3.0, 4.0], [0.0, 1.0])
    """
    length = norm(vector)
    parts = remove(vector, basis)
    left = norm(vector)
    nothing = left <= _ROUNDINGS * torch.finfo(vector.dtype).eps * length  # false for NaN, which must stay
    vector.mul_(left.reciprocal().masked_fill(nothing, 0.0).to(vector.dtype))
    basis.append(vector)
    return torch.stack([*parts, left.masked_fill(nothing, 0.0)])
