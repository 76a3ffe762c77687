"""Slope and noise where several processes average their gradients."""

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Adam

from ergoscope.taps import attach
from tests.agent.group import run_ranks
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.test_noise import EXAMPLES, KEYS, NOISE, SLOPE, batches, is_read


def copies(rank: int) -> dict[str, list[float]]:
    """One process of data parallel training: every process draws its own parts."""
    torch.manual_seed(rank)
    outlet, draw = MemoryOutlet(), batches(256, seed=rank)
    model = nn.Linear(256, 1, bias=False)
    optimizer = Adam(model.parameters(), lr=0.0)
    parallel = DistributedDataParallel(model)
    taps = attach(parallel, optimizer, outlet, examples_per_backward=EXAMPLES, clock=lambda: 0.0)
    for step in range(1, 16 * 120):
        if is_read(step):
            optimizer.zero_grad()
            with parallel.no_sync():
                (parallel(draw()) / 2).sum().backward()
            (parallel(draw()) / 2).sum().backward()
        optimizer.step()
    taps.detach()
    found = {key: list(outlet.series(key).values()) for key in KEYS}
    return {**found, "hooks": [float(model.weight._backward_hooks is not None)]} | {"said": [len(outlet.records)]}


def test_processes_that_average_their_gradients_count_as_parts() -> None:
    first, second = run_ranks(copies)

    slope, noise = (torch.tensor(first[k], dtype=torch.float64) for k in ("grad_sq_norm_debiased", "noise_trace"))
    assert len(slope) == 120
    assert second["noise_trace"] == []  # rank 0 answers for parameters that all have
    # The scatter is that of the readings themselves, for the mean of 120: one process's parts are noisier than all.
    assert float(slope.mean()) == pytest.approx(SLOPE, abs=4 * float(slope.std()) / 120**0.5)
    assert float(noise.mean()) == pytest.approx(NOISE, abs=4 * float(noise.std()) / 120**0.5)
    assert float(noise.std()) < 0.25 * NOISE
    assert first["hooks"] == second["hooks"] == [0.0]
