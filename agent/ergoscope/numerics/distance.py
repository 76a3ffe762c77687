"""How far tensors have gone from where they were, without keeping all of what they were."""

import torch
from torch import Tensor

from ergoscope.numerics.sketch import BUCKETS, Sketcher

KEPT = 64 * BUCKETS  # entries up to which a copy takes no more time than a sketch, and 256 KiB


class Start:
    """Where tensors were: a copy of each small one, a sketch of each large one.

    A sketch is linear, so that of the distance is the difference of two: of k = 1,021 buckets a squared distance has
    the relative error √(2/k), 4.4 %, the distance itself 2.2 %. Rounding leaves a distance an error of 4e-7 of the
    length of the tensor.
    """

    def __init__(self, sketcher: Sketcher, *, kept: int = KEPT) -> None:
        """Remember nothing yet; tensors of more than `kept` entries will be sketched by `sketcher`."""
        self._sketcher = sketcher
        self._kept = kept
        self._known: dict[str, tuple[torch.Size, Tensor]] = {}

    def keep(self, name: str, tensor: Tensor) -> None:
        """Remember where a tensor is now, unless it is known already; sparse and empty ones are not."""
        if name not in self._known:
            form = self._form(name, tensor)
            if form is not None:
                self._known[name] = tensor.shape, form

    def distance(self, name: str, tensor: Tensor) -> Tensor | None:
        """‖w - w₀‖, without dimensions, on the device and not waited for; None where w₀ is not known.

        A tensor of another shape than it had, or on another device, has no distance.

        Example:
            >>> start = Start(Sketcher())
            >>> start.keep("w", torch.zeros(2))
            >>> float(start.distance("w", torch.tensor([3.0, 4.0])))
            5.0
        """
        shape, before = self._known.get(name, (None, None))
        if before is None or shape != tensor.shape:
            return None
        now = self._form(name, tensor)
        if now is None or now.device != before.device:
            return None
        away: Tensor = torch.linalg.vector_norm(now - before)
        return away

    def sketches(self, tensor: Tensor) -> bool:
        """Whether a tensor is so large that it is sketched."""
        return tensor.numel() > self._kept

    def _form(self, name: str, tensor: Tensor) -> Tensor | None:
        if tensor.layout != torch.strided or not tensor.numel():
            return None
        if self.sketches(tensor):
            return self._sketcher.sketch([name], [tensor])
        entries = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
        return entries.detach().to(torch.float32, copy=True)
