"""Which process runs the batch around a step where several train together."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from tests.agent.group import run_ranks
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.of_processes import Told, check_that_rank_0_alone_reads, tell_of
from tests.agent.probes.trial.trials import finish, said, watch


def labelled(model: nn.Module, batch: object) -> Tensor:
    assert not isinstance(model, DistributedDataParallel)
    return cross_entropy(model(batch), torch.arange(8) % 4, reduction="none")


def watched(model: nn.Module, optimizer: SGD, outlet: MemoryOutlet) -> Callable[[], None]:
    return partial(finish, watch(model, optimizer, outlet, probe=torch.eye(8), loss_fn=labelled))


def tell(rank: int) -> dict[str, Told]:
    return tell_of("sam_sharpness", watched, said, steps=4)


def test_of_copies_rank_0_runs_the_batch_and_of_parts_nobody() -> None:
    check_that_rank_0_alone_reads(run_ranks(tell), readings=4)
