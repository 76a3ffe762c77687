"""Jobs of which somebody asks for slices."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ergoscope.taps import Taps, attach
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from tests.agent.memory_outlet import MemoryOutlet

LossFn = Callable[[nn.Module, object], Tensor]
SPECTRUM = (7.0, 4.0, 1.0, 0.5, -0.5, -2.0)


def always(*requests: SliceRequest, asked: list[int] | None = None) -> Callable[[], Sequence[SliceRequest]]:
    """The same requests at each step, as receipts repeat them; `asked` grows with the times that somebody looked."""

    def repeated() -> Sequence[SliceRequest]:
        if asked is not None:
            asked.append(len(asked))
        return requests

    return repeated


def floats(packed: bytes) -> NDArray[np.float64]:
    return np.frombuffer(packed, "<f8")


class Valley(nn.Module):
    """½ w'Aw + b'w + 3 in fp64, A with a known spectrum."""

    def __init__(self, spectrum: Sequence[float] = SPECTRUM) -> None:
        super().__init__()
        torch.manual_seed(0)
        size = len(spectrum)
        turn, _ = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64))
        self.matrix = turn @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ turn.T
        self.slope = torch.randn(size, dtype=torch.float64)
        self.weight = nn.Parameter(torch.randn(size, dtype=torch.float64))

    def forward(self, weight: Tensor | None = None) -> Tensor:
        w = self.weight if weight is None else weight
        loss: Tensor = 0.5 * w @ self.matrix @ w + self.slope @ w + 3.0
        return loss


def of_valley(model: nn.Module, _: object) -> Tensor:
    loss: Tensor = model()
    return loss


def watch(
    model: nn.Module,
    optimizer: Optimizer,
    outlet: MemoryOutlet,
    *requests: SliceRequest,
    probe: object = 0,
    loss_fn: LossFn | None = of_valley,
) -> Taps:
    """Attach with a clock that stands still, so that nothing costs anything."""
    return attach(model, optimizer, outlet, probe=probe, loss_fn=loss_fn, requests=always(*requests), clock=lambda: 0.0)


def descend(model: Valley, optimizer: Optimizer, steps: int) -> list[Tensor]:
    """Train; gives the weights before the first step and after each."""
    path = [model.weight.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        model().backward()
        optimizer.step()
        path.append(model.weight.detach().clone())
    return path


def slice_of(request: SliceRequest, *, steps: int = 60, lr: float = 0.01) -> tuple[list[Grid], Valley, list[Tensor]]:
    """The grids that a descent into a valley gives in answer."""
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=lr)
    taps = watch(model, optimizer, outlet, request)
    path = descend(model, optimizer, steps)
    assert taps.alive
    taps.detach()
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []
    return outlet.grids(), model, path
