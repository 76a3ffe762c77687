"""Jobs whose spectrum is looked at, at every step, and what is published of it."""

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ergoscope.curvature.objective import Objective
from ergoscope.curvature.plan import Curvature
from ergoscope.findings import Findings
from ergoscope.layers import Layers, name_parameters
from ergoscope.probes.probe import Sheet
from ergoscope.probes.spectrum import SpectrumProbe
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope.writer import Writer
from ergoscope_contract.records import Spectrum
from tests.agent.memory_outlet import MemoryOutlet

Numbers = NDArray[np.float64]


class Valley(nn.Module):
    """½ wᵀAw, the Hessian being A; a vector stands for a diagonal one."""

    def __init__(self, matrix: Numbers, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.matrix = torch.from_numpy(matrix).to(dtype)
        self.weight = nn.Parameter(torch.ones(len(matrix), dtype=dtype))

    def forward(self) -> Tensor:
        image = self.matrix * self.weight if self.matrix.dim() == 1 else self.matrix @ self.weight
        return (0.5 * self.weight * image).sum()


class Job:
    """A training that a spectrum is taken of, without the rest of the agent."""

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[], Tensor],
        optimizer: Optimizer | None = None,
        *,
        curvature: Curvature | None = None,
        fixed: Callable[[], Tensor] | None = None,
    ) -> None:
        """Prepare; `fixed` is the loss on a fixed batch, without it the training's own is taken."""
        self.outlet = MemoryOutlet()
        self.optimizer = optimizer or SGD(model.parameters(), lr=0.0)
        objective = None if fixed is None else Objective.of(model, 0, lambda _, __: fixed())
        clock = (lambda ticks: lambda: float(next(ticks)))(count())
        self.vantage = Vantage(curvature or Curvature(), model, objective, [self.optimizer], clock)
        self.probe = SpectrumProbe(self.vantage)
        self._loss = loss
        self._layers = Layers(self.optimizer, name_parameters(model), series=0)
        self._writer = Writer(self.outlet)
        self._step = 0

    def run(self, steps: int) -> MemoryOutlet:
        """Make so many steps, with a look at each."""
        for _ in range(steps):
            self._step += 1
            self.vantage.stepped([True], passes=1)
            self.optimizer.zero_grad()
            loss = self._loss()
            self.vantage.look(loss, number=1, hear=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self.probe.remember()
            self.optimizer.step()
            self._measure()
        return self.outlet

    def until(self, readings: int) -> MemoryOutlet:
        """Make steps until there are so many readings."""
        while len(self.outlet.series("hess_trace")) < readings:
            self.run(1)
            assert self._step < 10_000
        return self.outlet

    def told(self) -> list[str]:
        """What the user is told since the last call."""
        return [*self.vantage.remarks.take(), *self.probe.remarks.take()]

    def _measure(self) -> None:
        moment = self._layers.moment()
        assert moment is not None
        with torch.no_grad():
            reading = self.probe.measure(moment)
        if reading is None:
            return
        findings = Findings(self._step, {})
        sheet = Sheet([(0, reading)], torch.device("cpu"))
        sheet.read(findings, charge=lambda *_: None, clock=lambda: 0.0)
        findings.settle()
        self._writer.write(findings)


def still(matrix: Numbers, *, fixed: bool = False, dtype: torch.dtype = torch.float32) -> Job:
    """A job whose weights and Hessian stay."""
    model = Valley(matrix, dtype=dtype)
    return Job(model, model, fixed=model if fixed else None)


def latest(outlet: MemoryOutlet, key: str) -> float:
    return list(outlet.series(key).values())[-1]


def spectra(outlet: MemoryOutlet) -> Sequence[Spectrum]:
    return [record for record in outlet.records if isinstance(record, Spectrum)]


def quadrature(record: Spectrum) -> tuple[Numbers, Numbers, Numbers]:
    """Nodes, weights and residuals."""
    return (
        np.frombuffer(record.nodes, "<f8"),
        np.frombuffer(record.weights, "<f8"),
        np.frombuffer(record.residuals, "<f8"),
    )


def error_of_a_draw(eigenvalues: Numbers) -> float:
    """Standard deviation of vᵀAv over directions v that are uniform on the sphere."""
    size = len(eigenvalues)
    variance = 2 * ((eigenvalues**2).sum() - eigenvalues.sum() ** 2 / size) / (size * (size + 2))
    return float(variance**0.5)
