"""A step that several processes make together is not that of one batch."""

import torch
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from tests.agent.group import run_ranks
from tests.agent.jobs import everything, mlp, same_bits, seed
from tests.agent.probes.trial.batches import said, train


def tell(rank: int) -> tuple[bool, int, list[str]]:
    found, outlets = [], []
    for watched in (False, True):
        seed(0)
        model = DistributedDataParallel(mlp())
        optimizer = SGD(model.parameters(), lr=0.1)

        def loss(model: DistributedDataParallel = model) -> torch.Tensor:
            return cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 4, (16,)))

        if watched:
            outlets.append(train(model, optimizer, loss, steps=3))
        else:
            for _ in range(3):
                optimizer.zero_grad()
                loss().backward()
                optimizer.step()
        found.append(everything(model, [optimizer]))
    return same_bits(*found), len(outlets[0].series("trust_ratio")), said(outlets[0])


def test_one_process_of_several_knows_its_own_batch_only() -> None:
    first, second = run_ranks(tell)

    assert first == (
        True,
        0,
        [
            "what a step does to its own batch is not measured: a step is made of the batches of 2 processes, and one "
            "alone knows its own"
        ],
    )
    assert second == (True, 0, [])
