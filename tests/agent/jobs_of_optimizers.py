"""One job for each optimizer of torch, and for each way in which it can be told to step."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tests.agent.jobs import Job, Watch, everything, flat_loss, mlp, plain, text_loss, train

Maker = Callable[..., Optimizer]
_EVERYWHERE: dict[str, Maker] = {
    "sgd": partial(torch.optim.SGD, lr=0.1, weight_decay=1e-3),
    "sgd_nesterov": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "sgd_dampened": partial(torch.optim.SGD, lr=0.1, momentum=0.9, dampening=0.1, maximize=True),
    "adam": partial(torch.optim.Adam, lr=1e-2, weight_decay=1e-2, amsgrad=True),
    "adamw": partial(torch.optim.AdamW, lr=1e-2),
    "adagrad": partial(torch.optim.Adagrad, lr=1e-2),
}
_WITHOUT_FUSED: dict[str, Maker] = {
    "rmsprop": partial(torch.optim.RMSprop, lr=1e-2, momentum=0.9, centered=True),
    "adamax": partial(torch.optim.Adamax, lr=1e-2),
    "nadam": partial(torch.optim.NAdam, lr=1e-2),
    "radam": partial(torch.optim.RAdam, lr=1e-2),
    "asgd": partial(torch.optim.ASGD, lr=1e-2),
    "rprop": partial(torch.optim.Rprop, lr=1e-2),
    "adadelta": partial(torch.optim.Adadelta, lr=1.0),
    "adafactor": partial(torch.optim.Adafactor, lr=1e-2),
}


def _job(make: Maker) -> Job:
    def job(watch: Watch) -> list[Tensor]:
        model = mlp()
        optimizer = make(model.parameters())
        return train(watch, model, optimizer, plain(model, optimizer), steps=6)

    return job


def _sparse(watch: Watch) -> list[Tensor]:
    model = nn.Sequential(nn.Embedding(32, 8, sparse=True), nn.Linear(8, 32).requires_grad_(False))
    optimizer = torch.optim.SparseAdam(model[0].parameters(), lr=1e-2)
    return train(watch, model, optimizer, plain(model, optimizer, text_loss), steps=6)


def _muon(watch: Watch) -> list[Tensor]:
    model = mlp()
    matrices = [p for p in model.parameters() if p.dim() == 2]
    optimizer = torch.optim.Muon(matrices, lr=1e-2)  # only for matrices
    return train(watch, model, optimizer, plain(model, optimizer), steps=6)


def _groups(watch: Watch) -> list[Tensor]:
    """Groups with momentum and without, with and without weight decay, with an lr in a tensor."""
    model = mlp()
    optimizer = torch.optim.SGD(
        [
            {"params": [model[0].weight], "momentum": 0.9},
            {"params": [model[0].bias, model[2].bias], "weight_decay": 0.0},
            {"params": [model[2].weight], "lr": torch.tensor(0.05)},
        ],
        lr=0.1,
        weight_decay=1e-2,
    )
    return train(watch, model, optimizer, plain(model, optimizer), steps=6)


def _differentiable(watch: Watch) -> list[Tensor]:
    """Steps through which a gradient goes to what was stepped with: the parameters are no leaves."""
    model = mlp()
    moved = [p.clone() for p in model.parameters()]
    pushes = [[torch.randn_like(p).requires_grad_() for p in moved] for _ in range(4)]
    optimizer = torch.optim.SGD(moved, lr=0.1, momentum=0.9, differentiable=True)
    watch(model, [optimizer])
    for push in pushes:
        flat_loss(model).backward()
        for parameter, gradient in zip(moved, push, strict=True):
            parameter.grad = gradient
        optimizer.step()
    torch.stack([p.square().sum() for p in moved]).sum().backward()
    sent = [p.grad for push in pushes for p in push if p.grad is not None]
    assert len(sent) == 12  # the first push goes into the buffer, detached
    return [*everything(model, []), *[p.detach() for p in moved], *sent]


OPTIMIZERS: dict[str, Job] = {
    f"{name}_{way}": _job(partial(make, **{way: True}))
    for name, make in _EVERYWHERE.items()
    for way in ("foreach", "fused")
}
OPTIMIZERS |= {f"{name}_one_by_one": _job(partial(make, foreach=False)) for name, make in _EVERYWHERE.items()}
OPTIMIZERS |= {
    f"{name}_{way}": _job(partial(make, foreach=way == "foreach"))
    for name, make in _WITHOUT_FUSED.items()
    for way in ("foreach", "one_by_one")
}
OPTIMIZERS |= {"sparse_adam": _sparse, "groups_that_differ": _groups, "differentiable": _differentiable}
if hasattr(torch.optim, "Muon"):  # from 2.9 on
    OPTIMIZERS["muon"] = _muon
