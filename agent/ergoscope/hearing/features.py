"""What enters the last linear layer in a step's forward pass, until the backward pass that it belongs to."""

import torch
from torch import Tensor, nn

from ergoscope.hearing.listening import Ear
from ergoscope.hearing.logits import ENTRIES, ROWS, Scores
from ergoscope.numerics.histogram import stride

NOT_THE_HEAD = "the last linear layer does not give the scores of the loss"
_ALIKE = 0.02  # share by which scores in half precision may differ from those that are worked out again


def head_of(model: nn.Module) -> nn.Linear | None:
    """The last linear layer of a model, in the order of `named_modules`; None when there is none."""
    found = [module for module in model.modules() if type(module) is nn.Linear]
    return found[-1] if found else None


class Features:
    """Keeps what entered one layer since the last backward pass, by reference.

    Attributes:
        head: The layer.
        heard: How often it was called since.
    """

    def __init__(self, head: nn.Linear) -> None:
        """Keep what enters `head`."""
        self.head = head
        self.heard = 0
        self._latest: Tensor | None = None

    def arm(self, ear: Ear) -> None:
        """Listen to the next step's forward passes."""
        self.let_go()
        ear.to_input(self.head, self._hear)

    def let_go(self) -> None:
        """Keep nothing of what was heard."""
        self._latest, self.heard = None, 0

    def _hear(self, given: Tensor) -> None:
        self.heard += 1
        self._latest = given if given.dim() > 1 and not given.is_nested else None

    def take(self, scores: Scores) -> Tensor | str:
        """Features of the examples of `scores`, fp32, shape (n, d), and forget them; or why there are none."""
        given, heard = self._latest, self.heard
        self.let_go()
        if given is None:
            return "the last linear layer was not heard: it is compiled, or its step was not a training step"
        if heard > 1:
            return f"the last linear layer was called {heard} times before one backward pass"
        count, classes = scores.scores.shape
        rows = given.reshape(-1, given.shape[-1])
        rows = rows[:: stride(len(rows), max(1, min(ROWS, ENTRIES // classes)))]  # as the scores were taken
        if len(rows) != count or self.head.out_features != classes:
            return NOT_THE_HEAD
        return rows.detach().float()

    def misfit(self, features: Tensor, scores: Tensor) -> Tensor:
        """How far what the layer makes of features is from scores, but for a constant of each row: a share.

        A cross-entropy saves log-probabilities, which are logits less a constant. Without dimensions, on the device.
        """
        bias = self.head.bias
        with torch.autocast(features.device.type, enabled=False):
            made = features @ self.head.weight.detach().float().t()
            made = made if bias is None else made + bias.detach().float()
        wanted = scores.detach().float()
        wanted = wanted - wanted.mean(1, keepdim=True)
        away = made - made.mean(1, keepdim=True) - wanted
        misfit: Tensor = torch.linalg.vector_norm(away) / torch.linalg.vector_norm(wanted).clamp_min(1e-30)
        return misfit


def alike(misfit: float) -> bool:
    """Whether a layer gives the scores that it was held against."""
    return misfit <= _ALIKE
