"""A slice of the loss: F(w + a u + b v) at offsets a, b on unit vectors u, v, and what is known of it at its centre.

Where F is quadratic the slice is F(w) + a g'u + b g'v + ½ (a² u'Hu + b² v'Hv) + a b u'Hv with the gradient g and the
Hessian H at w; what keeps the two apart is what a step of that length meets beyond the Hessian.

How far a slice goes unless that was asked for: to where the curvature alone would have added the whole loss once more,
½ |u'Hu| a² = |F(w)|. That is never less than three updates, so that what training does is seen in it, and never more
than the length of the weights, beyond which a net is another one.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ergoscope.curvature.ladder import Products
from ergoscope.curvature.snapshot import Snapshot
from ergoscope.curvature.vectors import dot

_UPDATES = 3.0  # half a slice is no shorter than so many updates
_LEAST = 1e-3  # nor than this share of the weights' length


def outline(products: Products, axes: Sequence[Tensor]) -> Tensor:
    """What slope and curvature say of a slice.

    Args:
        products: With the Hessian at its centre.
        axes: u, or u and v, each of shape (size,).

    Returns:
        fp64 (fp32 on Apple's devices), on the device, not waited for: u'Hu and g'u; of two axes u'Hu, v'Hv, u'Hv, g'u
        and g'v.

    Example:
        >>> from ergoscope.curvature.products import HessianProducts
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> hessian = HessianProducts(torch.autograd.grad((w**3).sum(), [w], create_graph=True), [w])
        >>> outline(hessian, [torch.tensor([1.0, 0.0])]).tolist()
        [6.0, 3.0]
    """
    images = [products(axis) for axis in axes]
    curvatures = [dot(axis, image) for axis, image in zip(axes, images, strict=True)]
    mixed = [dot(axes[0], image) for image in images[1:]]
    return torch.stack([*curvatures, *mixed, *[dot(products.gradient, axis) for axis in axes]])


def half_width(loss: float, curvature: float, *, update: float, weights: float) -> float:
    """How far a slice goes to both sides, see above.

    Args:
        loss: F(w), finite.
        curvature: u'Hu, finite.
        update: Length of the last update.
        weights: Length of the weights.

    Returns:
        In weight norm; 1 where nothing gives a measure.

    Example:
        >>> half_width(2.0, 100.0, update=0.01, weights=10.0), half_width(2.0, 0.0, update=0.01, weights=10.0)
        (0.2, 10.0)
    """
    risen = math.sqrt(2.0 * abs(loss / curvature)) if curvature else math.inf
    return max(min(risen, weights), _UPDATES * update, _LEAST * weights) or 1.0


def spread(half: float, points: int) -> NDArray[np.float64]:
    """Offsets at equal distances from -half to half, with exactly 0 in the middle; `points` is odd.

    Example:
        >>> spread(0.5, 5).tolist()
        [-0.5, -0.25, 0.0, 0.25, 0.5]
    """
    middle = points // 2
    return half * (np.arange(points) - middle) / middle


def losses_at(snapshot: Snapshot, axes: Sequence[Tensor], offsets: Sequence[Sequence[float]], *, seed: int) -> Tensor:
    """Take the loss at some points of a slice, in one visit.

    Args:
        snapshot: The slice's centre.
        axes: Each of shape (size,).
        offsets: Of each point one number an axis.
        seed: Of every random draw, so that all points have the same masks.

    Returns:
        Shape (modes, points), on the device, not waited for. The first mode is that of the training; a second one, with
        layers that normalise by running statistics, is there when that is another.
    """
    rows: list[Tensor] = []
    with snapshot.visited():
        for point in offsets:
            snapshot.move(axes, point)
            modes = [snapshot.loss(seed=seed)]
            if snapshot.normalises:
                modes.append(snapshot.loss(seed=seed, running=True))
            rows.append(torch.stack(modes))
    return torch.stack(rows, dim=1)
