"""Training with the agent on is training with the agent off, to the last bit."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.optim import Optimizer

from ergoscope.taps import Taps, attach
from tests.agent.jobs import force, same_bits, seed
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.real_jobs import JOBS, Job

SILENT = ("compiled_optimizer", "compiled_optimizer_with_a_schedule")  # their steps run no Python: nothing to see


def run(job: Job, outlet: MemoryOutlet | None, *, forced: bool = False) -> list[Tensor]:
    torch._dynamo.reset()
    seed(3)
    placed: list[Taps] = []

    def watch(
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        probe: object = None,
        loss_fn: Callable[[nn.Module, object], Tensor] | None = None,
    ) -> None:
        if outlet is None:
            return
        # A clock that stands still makes every probe free, so that all run as often as they may.
        taps = attach(model, optimizers, outlet, probe=probe, loss_fn=loss_fn, clock=lambda: 0.0)
        placed.append(taps)
        if forced:
            force(taps)

    result = job(watch)
    for taps in placed:
        assert taps.alive
        taps.detach()
    return result


@cache
def without(name: str) -> list[Tensor]:
    return run(JOBS[name], None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")  # old, but many models have it
@pytest.mark.parametrize("forced", [False, True], ids=["on", "forced"])
@pytest.mark.parametrize("name", JOBS)
def test_weights_state_buffers_gradients_and_generators_are_equal(name: str, forced: bool) -> None:
    outlet = MemoryOutlet()
    expected = without(name)
    if "compiled" in name:
        counters["frames"]["total"] += 1  # as in a job that has taken its first steps: no ears while it compiles

    watched = run(JOBS[name], outlet, forced=forced)

    assert same_bits(watched, expected)
    assert [event.text for event in outlet.events("agent") if "off" in event.data] == []  # no error was fenced
    assert bool(outlet.series("loss")) != (name in SILENT)
    assert bool(outlet.series("opposing_share")) == name.startswith("probed")
