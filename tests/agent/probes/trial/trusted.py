"""A job of two processes, as copies and in parts, each on half of the batches that one process has whole."""

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD, AdamW, Optimizer

from ergoscope.probes.trial.accord import Accord
from tests.agent.jobs import everything, seed
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.batches import watch

STRIDE = 4  # steps between two looks, so that little training is needed


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 15), nn.Tanh(), nn.Linear(15, 16), nn.Tanh(), nn.Linear(16, 4)).double()


def masked() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.1), nn.Linear(16, 4))


def narrow() -> nn.Module:
    return net().float()


def alone(model: nn.Module) -> nn.Module:
    return model


def copied(model: nn.Module) -> nn.Module:
    return DistributedDataParallel(model)


def sharded(model: nn.Module) -> nn.Module:
    for layer in model:  # type: ignore[attr-defined]  # a sequence
        if isinstance(layer, nn.Linear):
            fully_shard(layer)
    fully_shard(model)
    return model


def sharded_and_kept(model: nn.Module) -> nn.Module:
    fully_shard(model[0], reshard_after_forward=False)  # type: ignore[index, operator]  # a sequence
    fully_shard(model, reshard_after_forward=True)
    return model


def sharded_in_half_precision(model: nn.Module) -> nn.Module:
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    fully_shard(model[0], mp_policy=policy)  # type: ignore[index, operator]  # a sequence
    fully_shard(model, mp_policy=policy)
    return model


def copies_of_shards(model: nn.Module) -> nn.Module:
    mesh = init_device_mesh("cpu", (2, 1), mesh_dim_names=("replicate", "shard"))
    fully_shard(model, mesh=mesh)
    return model


def in_tensor_parallel(model: nn.Module) -> nn.Module:
    return parallelize_module(model, init_device_mesh("cpu", (2,)), {"0": ColwiseParallel(), "2": RowwiseParallel()})


def plain(model: nn.Module) -> Optimizer:
    return SGD(model.parameters(), lr=0.1)


def decayed(model: nn.Module) -> Optimizer:
    return SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


def adam(model: nn.Module) -> Optimizer:
    return AdamW(model.parameters(), lr=0.01)


def trained(
    model: nn.Module,
    optimizer: Optimizer,
    outlet: MemoryOutlet | None,
    *,
    steps: int,
    whole: bool = False,
    between: Callable[[int], None] = lambda _: None,
    clip: float = 0.0,
) -> list[Tensor]:
    """Train on batches that are the same for all ways to share them; of a part each process takes every other row."""
    Accord.stride = STRIDE  # in this process alone, which ends with the test
    taps = None if outlet is None else watch(model, optimizer, outlet)
    generator = torch.Generator().manual_seed(5)
    seed(7 + (0 if whole else distributed.get_rank()))
    kind = next(model.parameters()).dtype
    for number in range(steps):
        inputs, targets = torch.randn(16, 8, generator=generator), torch.randint(0, 4, (16,), generator=generator)
        rows = slice(None) if whole else slice(distributed.get_rank(), None, 2)
        optimizer.zero_grad()
        cross_entropy(model(inputs[rows].to(kind)), targets[rows]).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        between(number)
    if taps is not None:
        assert taps.alive
        taps.detach()
    return everything(model, [optimizer])
