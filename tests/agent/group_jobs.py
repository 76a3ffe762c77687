"""Training jobs of two processes: copies of a model, shards of it, and both in one."""

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from tests.agent.jobs import gpt, mlp, seed, text_loss

STEPS = 5
Made = tuple[nn.Module, Optimizer, Callable[[], Tensor]]


def _loss(model: nn.Module, width: int = 8, classes: int = 4) -> Callable[[], Tensor]:
    return lambda: cross_entropy(model(torch.randn(16, width)), torch.randint(0, classes, (16,)))


def copies() -> Made:
    model = DistributedDataParallel(mlp())
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), _loss(model)


def shards_of_uneven_size() -> Made:
    model = nn.Sequential(nn.Linear(8, 15), nn.ReLU(), nn.Linear(15, 1), nn.Linear(1, 4))  # one has a single row
    for layer in (model[0], model[2]):
        fully_shard(layer)
    fully_shard(model)
    return model, torch.optim.Adam(model.parameters(), lr=1e-2), _loss(model)


def shards_of_plain_sgd() -> Made:
    model = mlp()
    fully_shard(model)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), _loss(model)


def shards_of_a_transformer() -> Made:
    model = gpt()
    fully_shard(model[1])
    fully_shard(model)
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2), lambda: text_loss(model)


def shards_beside_copies() -> Made:
    model = mlp()
    fully_shard(model[2])
    for parameter in model[0].parameters():  # what data parallelism does to the rest
        parameter.register_post_accumulate_grad_hook(_average)
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, foreach=False), _loss(model)


def _average(parameter: Tensor) -> None:
    assert parameter.grad is not None
    distributed.all_reduce(parameter.grad)
    parameter.grad /= distributed.get_world_size()


def copies_of_shards() -> Made:
    model = mlp()
    fully_shard(model, mesh=init_device_mesh("cpu", (2, 1), mesh_dim_names=("replicate", "shard")))
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), _loss(model)


def tensor_parallel() -> Made:
    model = mlp()
    mesh = init_device_mesh("cpu", (2,))
    parallelize_module(model, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), _loss(model)


MAKERS: dict[str, Callable[[], Made]] = {
    maker.__name__: maker
    for maker in (
        copies,
        shards_of_uneven_size,
        shards_of_plain_sgd,
        shards_of_a_transformer,
        shards_beside_copies,
        copies_of_shards,
        tensor_parallel,
    )
}
ALIKE = ("tensor_parallel",)  # here all ranks must see the same data


def made(name: str) -> Made:
    """One of the jobs, alike on all ranks, and its data, which are not."""
    seed(3)
    one = MAKERS[name]()
    seed(7 + (0 if name in ALIKE else distributed.get_rank()))
    return one


def full(tensor: Tensor) -> Tensor:
    """All of a tensor, in fp64; asks the other ranks."""
    whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return whole.detach().double().clone()
