"""Which process runs the probe batch where several train together."""

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.group import run_ranks
from tests.agent.jobs import everything, mlp, same_bits, seed
from tests.agent.memory_outlet import MemoryOutlet

Told = tuple[int, bool, list[str]]  # readings, whether training was the same, texts


def spread(model: nn.Module, batch: Tensor) -> Tensor:
    assert not isinstance(model, DistributedDataParallel)
    out: Tensor = model(batch)
    return out.var(1)


def trained(kind: str, outlet: MemoryOutlet | None) -> list[Tensor]:
    seed(0)
    inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), mlp())
    if kind == "shards":
        fully_shard(inner)
    model = DistributedDataParallel(inner) if kind == "copies" else inner
    optimizer = SGD(model.parameters(), lr=0.1)
    if outlet is not None:
        taps = attach(model, optimizer, outlet, probe=torch.eye(8), loss_fn=spread, clock=lambda: 0.0)
    for _ in range(12):
        optimizer.zero_grad()
        cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 4, (16,))).backward()
        optimizer.step()
    if outlet is not None:
        assert taps.alive
        taps.detach()
    return everything(model, [optimizer])


def tell(rank: int) -> dict[str, Told]:
    told = {}
    for kind in ("copies", "alone", "shards"):
        outlet = MemoryOutlet()
        same = same_bits(trained(kind, None), trained(kind, outlet))
        texts = [e.text for e in outlet.events("agent") if "opposing_share" in str(e.data)]
        told[kind] = (len(outlet.series("opposing_share")), same, texts)
    return told


def test_of_copies_rank_0_runs_the_batch_and_of_parts_nobody() -> None:
    first, second = run_ranks(tell)

    assert first["copies"] == (2, True, [])
    assert second["copies"] == (0, True, [])
    count, same, (text,) = first["alone"]
    assert (count, same) == (0, True)
    assert "2 processes train together, and the watched model is not one DistributedDataParallel" in text
    for told in (first, second):
        count, same, (text,) = told["shards"]
        assert (count, same) == (0, True)
        assert text.endswith("its parameters are spread over processes, and one alone cannot run it")
