"""A job whose fixed batch is looked at, as copies on two processes, each for itself, and in parts."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from tests.agent.jobs import everything, mlp, same_bits, seed
from tests.agent.memory_outlet import MemoryOutlet

Told = tuple[int, bool, list[str]]  # readings, whether training was the same, texts


class Watch(Protocol):
    """Attaches to a job, and gives what detaches again."""

    def __call__(self, model: nn.Module, optimizer: SGD, outlet: MemoryOutlet, /) -> Callable[[], None]: ...


def trained(kind: str, watch: Watch, outlet: MemoryOutlet | None, *, steps: int) -> list[Tensor]:
    seed(0)
    inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), mlp())
    if kind == "shards":
        fully_shard(inner)
    model = DistributedDataParallel(inner) if kind == "copies" else inner
    optimizer = SGD(model.parameters(), lr=0.1)
    finish = None if outlet is None else watch(model, optimizer, outlet)
    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 4, (16,))).backward()
        optimizer.step()
    if finish is not None:
        finish()
    return everything(model, [optimizer])


def tell_of(metric: str, watch: Watch, said: Callable[[MemoryOutlet], list[str]], *, steps: int) -> dict[str, Told]:
    """What one process has to tell of each kind of job."""
    told = {}
    for kind in ("copies", "alone", "shards"):
        outlet = MemoryOutlet()
        same = same_bits(trained(kind, watch, None, steps=steps), trained(kind, watch, outlet, steps=steps))
        told[kind] = (len(outlet.series(metric)), same, said(outlet))
    return told


def check_that_rank_0_alone_reads(ranks: list[dict[str, Told]], *, readings: int) -> None:
    """Of copies rank 0 runs the batch, and of parts nobody."""
    first, second = ranks

    assert first["copies"] == (readings, True, [])
    assert second["copies"] == (0, True, [])
    count, same, (text,) = first["alone"]
    assert (count, same) == (0, True)
    assert "2 processes train together, and the watched model is not one DistributedDataParallel" in text
    for told in (first, second):
        count, same, (text,) = told["shards"]
        assert (count, same) == (0, True)
        assert text.endswith("its parameters are spread over processes, and one alone cannot run it")
