"""Training with the agent on is training with the agent off, to the last bit."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.taps import Taps, attach
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.real_jobs import JOBS, Job

SILENT = ("compiled_optimizer",)  # its steps run no Python, so there is nothing to see


def run(job: Job, outlet: MemoryOutlet | None) -> list[Tensor]:
    torch._dynamo.reset()
    torch.manual_seed(3)
    placed: list[Taps] = []

    def watch(model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        if outlet is not None:  # a clock that stands still makes every probe free, so all run at every step
            placed.append(attach(model, optimizers, outlet, clock=lambda: 0.0))

    result = job(watch)
    for taps in placed:
        assert taps.alive
        taps.detach()
    return result


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.parametrize("name", JOBS)
def test_weights_state_buffers_gradients_and_generator_are_equal(name: str) -> None:
    outlet = MemoryOutlet()
    without = run(JOBS[name], None)

    watched = run(JOBS[name], outlet)

    assert len(watched) == len(without)
    assert all(
        a.dtype == b.dtype and torch.equal(a.to_dense(), b.to_dense()) for a, b in zip(watched, without, strict=True)
    )
    assert outlet.events("agent") == []
    assert bool(outlet.series("loss")) != (name in SILENT)
