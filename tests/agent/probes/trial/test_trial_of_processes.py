"""Which process runs the batch around a step where several train together."""

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from tests.agent.group import run_ranks
from tests.agent.jobs import everything, mlp, same_bits, seed
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.trials import finish, said, watch

Told = tuple[int, bool, list[str]]  # readings, whether training was the same, texts


def labelled(model: nn.Module, batch: object) -> Tensor:
    assert not isinstance(model, DistributedDataParallel)
    return cross_entropy(model(batch), torch.arange(8) % 4, reduction="none")


def trained(kind: str, outlet: MemoryOutlet | None) -> list[Tensor]:
    seed(0)
    inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), mlp())
    if kind == "shards":
        fully_shard(inner)
    model = DistributedDataParallel(inner) if kind == "copies" else inner
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = None if outlet is None else watch(model, optimizer, outlet, probe=torch.eye(8), loss_fn=labelled)
    for _ in range(4):
        optimizer.zero_grad()
        cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 4, (16,))).backward()
        optimizer.step()
    if taps is not None:
        finish(taps)
    return everything(model, [optimizer])


def tell(rank: int) -> dict[str, Told]:
    told = {}
    for kind in ("copies", "alone", "shards"):
        outlet = MemoryOutlet()
        same = same_bits(trained(kind, None), trained(kind, outlet))
        told[kind] = (len(outlet.series("sam_sharpness")), same, said(outlet))
    return told


def test_of_copies_rank_0_runs_the_batch_and_of_parts_nobody() -> None:
    first, second = run_ranks(tell)

    assert first["copies"] == (4, True, [])
    assert second["copies"] == (0, True, [])
    count, same, (text,) = first["alone"]
    assert (count, same) == (0, True)
    assert "2 processes train together, and the watched model is not one DistributedDataParallel" in text
    for told in (first, second):
        count, same, (text,) = told["shards"]
        assert (count, same) == (0, True)
        assert text.endswith("its parameters are spread over processes, and one alone cannot run it")
