"""Jobs in which torch.compile has a part."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from tests.agent.jobs import Job, Watch, flat_batch, flat_loss, mlp, plain, train


def compiled_model(watch: Watch, *, backend: str = "aot_eager") -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    compiled: Callable[[nn.Module], Tensor] = torch.compile(model, backend=backend)
    return train(watch, model, optimizer, plain(compiled, optimizer), steps=5)  # type: ignore[arg-type]  # called alike


def compiled_model_by_inductor(watch: Watch) -> list[Tensor]:
    return compiled_model(watch, backend="inductor")


def compiled_in_place(watch: Watch) -> list[Tensor]:
    model = mlp()
    model.compile(backend="aot_eager")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return train(watch, model, optimizer, plain(model, optimizer), steps=5)


def compiled_optimizer(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step_in_one = torch.compile(optimizer.step, backend="eager")

    def step(number: int) -> None:
        optimizer.zero_grad()
        flat_loss(model).backward()
        step_in_one()

    return train(watch, model, optimizer, step, steps=5)


def compiled_optimizer_with_a_schedule(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(1e-2), foreach=False)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=4)
    step_in_one = torch.compile(optimizer.step, backend="aot_eager")

    def step(number: int) -> None:
        optimizer.zero_grad()
        flat_loss(model).backward()
        step_in_one()
        schedule.step()

    return train(watch, model, optimizer, step, steps=5)


def backward_in_a_compiled_function(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    @torch.compile(backend="eager")
    def turn(x: Tensor, y: Tensor) -> None:
        F.cross_entropy(model(x), y).backward()

    def step(number: int) -> None:
        optimizer.zero_grad()
        turn(*flat_batch())
        optimizer.step()

    return train(watch, model, optimizer, step, steps=5)


COMPILED: tuple[Job, ...] = (
    compiled_model,
    compiled_model_by_inductor,
    compiled_in_place,
    compiled_optimizer,
    compiled_optimizer_with_a_schedule,
    backward_in_a_compiled_function,
)
