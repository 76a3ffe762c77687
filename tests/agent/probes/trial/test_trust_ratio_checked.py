"""How often a batch is run again, and whether its loss is then the job's own."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.batches import Masked, labels, said, watch
from tests.agent.probes.trial.batches import batch as make_batch


class Counted(Masked):
    """Counts its passes where nobody puts that back; with `noise` each gives something else."""

    def __init__(self, calls: list[int], noise: float) -> None:
        super().__init__()
        self.count, self.noise = lambda: calls.append(1), noise
        self.own = torch.Generator().manual_seed(1)  # as no other is put back

    def forward(self, inputs: Tensor) -> Tensor:
        self.count()
        out: Tensor = super().forward(inputs)
        return out + self.noise * torch.randn(out.shape, generator=self.own, dtype=out.dtype)


def passes(noise: float, *, steps: int = 60) -> tuple[list[int], MemoryOutlet]:
    """Runs of the model in each step."""
    torch.manual_seed(0)
    calls, found, outlet = list[int](), list[int](), MemoryOutlet()
    model = Counted(calls, noise).double()
    optimizer = SGD(model.parameters(), lr=1e-3)
    taps = watch(model, optimizer, outlet)
    for _ in range(steps):
        calls.clear()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(make_batch()), labels()).backward()
        optimizer.step()
        found.append(len(calls))
    taps.detach()
    assert said(outlet) == []
    assert len(outlet.series("trust_ratio")) == steps
    return found, outlet


def test_once_it_has_had_the_jobs_own_loss_a_batch_is_run_once_and_twice_at_every_sixteenth_reading() -> None:
    found, _ = passes(0.0)

    known = found.index(2)  # until the first reading is read, some steps later
    assert found[:known] == [3] * known
    checked = [step for step, count in enumerate(found) if step >= known and count == 3]
    assert checked == [known - 1 + 16 * turn for turn in range(1, len(checked) + 1)]
    assert len(checked) >= 2


def test_a_loss_that_is_never_quite_the_same_is_run_twice_each_time() -> None:
    found, outlet = passes(1e-7)

    assert found == [3] * 60
    assert list(outlet.series("trust_ratio").values()) == pytest.approx([1.0] * 60, abs=0.2)
