"""How much the first layer's gradient follows the size of its input."""

import math
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from ergoscope.findings import Findings
from ergoscope.hearing.listening import Ear
from ergoscope.layers import Moment
from ergoscope.numerics.coupling import MOST, slope
from ergoscope.numerics.norms import norms_of
from ergoscope.probes.probe import Reading

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Bilinear)
_LOOKED_AT = 262_144  # entries of an input


class FirstLayerProbe:
    """Size and contrast of what enters the first layer, the layer's share of the gradient, and how the two go together.

    The first layer is the first one with weights that is called; an embedding there has no magnitude, and then there is
    nothing to say. TrAct (Petersen et al. 2024): for a linear first layer the gradient is proportional to the input.
    """

    produces: ClassVar[tuple[str, ...]] = (
        "input_rms",
        "input_contrast",
        "first_layer_coupling",
        "first_layer_coupling_se",
        "first_layer_share",
    )

    def __init__(self, model: nn.Module) -> None:
        """Look for the first layer among those of `model` when it runs next."""
        self._candidates = [m for m in model.modules() if isinstance(m, (*_WEIGHTED, nn.Embedding, nn.EmbeddingBag))]
        self._first: nn.Module | None = None
        self._heard: list[Tensor] = []
        self._pairs: deque[tuple[float, float]] = deque(maxlen=MOST)

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes."""
        self._heard = []
        for module in self._candidates if self._first is None else [self._first]:
            if not isinstance(module, nn.Embedding | nn.EmbeddingBag):
                ear.to_input(module, partial(self._hear, module))
            elif self._first is None:
                ear.to_input(module, partial(self._settle, module))

    def _settle(self, module: nn.Module, _: Tensor) -> None:
        if self._first is None:
            self._first = module

    def _hear(self, module: nn.Module, entering: Tensor) -> None:
        self._settle(module, entering)
        plain = entering.layout == torch.strided and not entering.is_nested and entering.is_floating_point()
        if module is not self._first or not plain or entering.dim() < 2 or not entering.numel():
            return
        examples = max(1, _LOOKED_AT * len(entering) // entering.numel())
        seen = entering[:examples].flatten(1).float()
        self._heard.append(torch.stack([seen.square().mean(), seen.std(dim=1, correction=0).mean()]))

    def measure(self, moment: Moment) -> Reading | None:
        """Mean square and contrast of the input, and the norm of the first layer's weight gradient."""
        weight = getattr(self._first, "weight", None)
        if not self._heard or not isinstance(weight, Tensor):
            return None
        at = next((i for i, p in enumerate(moment.active) if p is weight), None)
        if at is None and weight.requires_grad:
            return None  # another optimizer moves the first layer
        mean = torch.stack(self._heard).mean(dim=0)
        self._heard = []
        if at is None:
            return Reading([mean[0], mean[1]], self._read)
        norm = norms_of([moment.grads[at]], None)[0]
        return Reading([mean[0], mean[1], norm], self._read)

    def _read(self, values: Sequence[float], findings: Findings) -> None:
        square = values[0]
        findings.scalars["input_rms"] = math.sqrt(square)
        findings.scalars["input_contrast"] = values[1]
        if len(values) < 3:
            return
        norm = values[2]
        findings.add_first(norm)
        if square > 0 and norm > 0 and math.isfinite(square) and math.isfinite(norm):
            self._pairs.append((math.log(square), 2.0 * math.log(norm)))
            found = slope(self._pairs)
            if found is not None:
                findings.scalars["first_layer_coupling"], findings.scalars["first_layer_coupling_se"] = found
