"""How far weights have moved since a moment that is past, without a copy of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.numerics.sketch import Sketcher


class Drift:
    """Remembers where parameters were by a sketch of them.

    A sketch is linear, so the length of the difference of two tells the length of the move. With 1,021 buckets its
    relative error is √(1/(2 · 1021)) = 2.2 %, one standard deviation; moves below 4e-7 of the weights are rounding.

    Example:
        >>> weight = torch.tensor([3.0, 4.0])
        >>> drift = Drift(Sketcher(), [weight])
        >>> round(float(drift.share([1.5 * weight])), 4)
        0.5
    """

    def __init__(self, sketcher: Sketcher, parameters: Sequence[Tensor]) -> None:
        """Remember where the parameters are now; `sketcher` may serve others too."""
        self._sketcher = sketcher
        self._first = self._sketch(parameters)

    def share(self, parameters: Sequence[Tensor]) -> Tensor:
        """Length of the way from there to where they are now, as a share of the weights' length there.

        Args:
            parameters: The same ones, in the same order.

        Returns:
            fp32 without dimensions, not waited for; infinite or NaN where the weights were all zero.
        """
        moved = torch.linalg.vector_norm(self._sketch(parameters) - self._first)
        share: Tensor = moved / torch.linalg.vector_norm(self._first)
        return share

    def _sketch(self, parameters: Sequence[Tensor]) -> Tensor:
        with torch.no_grad():
            found = self._sketcher.sketch([str(place) for place in range(len(parameters))], parameters)
        if found is None:
            raise ValueError("the parameters hold no entries that can be sketched; they must be dense and not empty")
        return found
