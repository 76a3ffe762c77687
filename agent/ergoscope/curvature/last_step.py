"""The move that the last step made in weight space, as one vector, from a copy of the weights before it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.parts import join
from ergoscope.curvature.room import lasting, needed, spare


class LastStep:
    """Keeps a copy of parameters from before a step until the move is taken, or nobody asks for it any more.

    An entry's difference is exact where the step changed it by less than half of itself, and else rounded once in the
    parameter's own type (Sterbenz 1974); what the step itself was rounded to is the move that was made.

    Example:
        >>> weight, last = torch.tensor([3.0, 4.0]), LastStep()
        >>> last.begin([weight])
        True
        >>> last.move([weight.sub_(0.5)])
        tensor([-0.5000, -0.5000])
        >>> last.move([weight]) is None
        True
    """

    def __init__(self) -> None:
        """Begin without a copy."""
        self._before: dict[Tensor, Tensor] = {}

    def begin(self, parameters: Sequence[Tensor], *, vectors: int = 1) -> bool:
        """A step is about to be made: copy parameters, if there is room.

        Args:
            parameters: All of them on one device.
            vectors: As long as the parameters together, that there must be room for, the copy among them.

        Returns:
            Whether there was.
        """
        self.let_go()
        if parameters and _fits(parameters, vectors):
            try:
                self._before = {p: p.detach().clone() for p in parameters}
            except Exception as error:
                if not ran_out_of_memory(error):
                    raise
        return bool(self._before)

    def move(self, parameters: Sequence[Tensor]) -> Tensor | None:
        """How far the step moved parameters, which uses the copy up.

        Args:
            parameters: Some of those that were copied, in the order that the vector is to have.

        Returns:
            Shape (entries of all,), of at least fp32, in the unit of the weights; None where one was not copied, or is
            not as it was in shape, type or place.
        """
        before, self._before = self._before, {}
        pairs = [(p.detach(), before.get(p)) for p in parameters]
        if any(old is None or _kind(now) != _kind(old) for now, old in pairs):
            return None
        with torch.no_grad():
            return join([old.neg_().add_(now) for now, old in pairs if old is not None], parameters)

    def let_go(self) -> None:
        """Keep nothing any more."""
        self._before = {}


def _fits(parameters: Sequence[Tensor], vectors: int) -> bool:
    size, device = sum(p.numel() for p in parameters), parameters[0].device
    return spare(device) >= needed(size, vectors, device) and lasting(size, 1, device)


def _kind(tensor: Tensor) -> tuple[torch.Size, torch.dtype, torch.device]:
    return tensor.shape, tensor.dtype, tensor.device
