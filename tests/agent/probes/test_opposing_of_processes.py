"""Which process runs the probe batch where several train together."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.group import run_ranks
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.of_processes import Told, check_that_rank_0_alone_reads, tell_of


def spread(model: nn.Module, batch: Tensor) -> Tensor:
    assert not isinstance(model, DistributedDataParallel)
    out: Tensor = model(batch)
    return out.var(1)


def watched(model: nn.Module, optimizer: SGD, outlet: MemoryOutlet) -> Callable[[], None]:
    taps = attach(model, optimizer, outlet, probe=torch.eye(8), loss_fn=spread, clock=lambda: 0.0)

    def finish() -> None:
        assert taps.alive
        taps.detach()

    return finish


def said(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if "opposing_share" in str(e.data)]


def tell(rank: int) -> dict[str, Told]:
    return tell_of("opposing_share", watched, said, steps=12)


def test_of_copies_rank_0_runs_the_batch_and_of_parts_nobody() -> None:
    check_that_rank_0_alone_reads(run_ranks(tell), readings=2)
