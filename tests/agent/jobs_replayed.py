"""Jobs whose graph cannot be differentiated twice, and whose forward pass can be run once more; or cannot either."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from tests.agent.curvature.test_ladder import RightCube
from tests.agent.jobs import Job, Watch, conv, flat_batch, flat_loss, gpt, mlp, plain, text_loss, train
from tests.agent.jobs_of_two_passes import Once


def without_dropout(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def compiled_transformer(watch: Watch) -> list[Tensor]:
    model = without_dropout(gpt())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    compiled = torch.compile(model, backend="aot_eager")

    def step(number: int) -> None:
        optimizer.zero_grad()
        text_loss(compiled).backward()  # type: ignore[arg-type]  # called alike
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()

    return train(watch, model, optimizer, step, steps=5)


def compiled_with_autocast_and_a_scaler(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler, compiled = torch.amp.GradScaler("cpu", init_scale=64.0), torch.compile(model, backend="aot_eager")

    def step(number: int) -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = flat_loss(compiled)  # type: ignore[arg-type]  # called alike
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return train(watch, model, optimizer, step, steps=6)


def compiled_while_accumulating_and_evaluating(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="aot_eager")

    def step(number: int) -> None:
        optimizer.zero_grad()
        for _ in range(2):
            with torch.no_grad():
                compiled(flat_batch()[0])
            (flat_loss(compiled) / 2).backward()  # type: ignore[arg-type]  # called alike
        optimizer.step()

    return train(watch, model, optimizer, step, steps=5)


class Inside(nn.Module):
    """A convolution in training mode with batch norm and dropout, and in it a function of one's own."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.net, self.function = conv(), function
        self.norms: list[Tensor] = []
        self.seen: dict[int, int] = {}

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.function.apply(self.net(x))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.norms.append(hidden.detach().norm())
        self.seen[len(self.seen)] = len(x)
        return hidden


def function_inside(
    watch: Watch, function: type[torch.autograd.Function] = Once, dtype: torch.dtype | None = None
) -> list[Tensor]:
    model = Inside(function)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def loss(model: nn.Module) -> Tensor:
        x, y = torch.randn(8, 1, 8, 8), torch.randint(0, 4, (8,))
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
            return F.cross_entropy(model(x).float(), y)

    trained = train(watch, model, optimizer, plain(model, optimizer, loss))
    return [*trained, torch.stack(model.norms), torch.tensor(list(model.seen.items()))]


def function_inside_that_can_be_differentiated_twice(watch: Watch) -> list[Tensor]:
    return function_inside(watch, RightCube)


def function_inside_in_half_precision(watch: Watch) -> list[Tensor]:
    return function_inside(watch, RightCube, torch.bfloat16)


def compiled_dropout(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="aot_eager")
    return train(watch, model, optimizer, plain(compiled, optimizer, text_loss), steps=5)  # type: ignore[arg-type]  # called alike


class Part(nn.Module):
    """A module that dynamo compiles in place; containers of torch's own it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


def compiled_in_part(watch: Watch) -> list[Tensor]:
    part = Part()
    part.compile(backend="aot_eager")
    model = nn.Sequential(part, nn.Tanh())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return train(watch, model, optimizer, plain(model, optimizer), steps=5)


def compiled_and_passed_twice(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="aot_eager")

    def step(number: int) -> None:
        (x, y), (more, _) = flat_batch(), flat_batch()
        optimizer.zero_grad()
        (F.cross_entropy(compiled(x), y) + compiled(more).square().mean()).backward()
        optimizer.step()

    return train(watch, model, optimizer, step, steps=5)


def compiled_with_hooks(watch: Watch) -> list[Tensor]:
    model, seen = mlp(), []
    model[0].register_forward_hook(lambda *_: seen.append(0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="aot_eager")
    trained = train(watch, model, optimizer, plain(compiled, optimizer), steps=5)  # type: ignore[arg-type]  # called alike
    return [*trained, torch.tensor(len(seen))]


class Writing(nn.Module):
    """Leaves what it computes, and that it was called, in what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out_of = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, batch: dict[str, Tensor], *, calls: list[int]) -> Tensor:
        batch["hidden"] = torch.tanh(self.into(batch["x"]))
        calls.append(len(calls))
        out: Tensor = self.out_of(batch["hidden"])
        return out


def batch_that_is_written_to(watch: Watch, *, compiled: bool = False) -> list[Tensor]:
    model, calls, left = Writing(), list[int](), list[Tensor]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = torch.compile(model, backend="aot_eager") if compiled else model

    def step(number: int) -> None:
        x, y = flat_batch()
        batch = {"x": x}
        optimizer.zero_grad()
        F.cross_entropy(run(batch, calls=calls), y).backward()
        assert ("Compiled" in type(batch["hidden"].grad_fn).__name__) == compiled  # and no graph of ours
        left.append(batch["hidden"].detach())
        optimizer.step()
        with torch.no_grad():
            model.out_of.weight += 0.01 * batch["hidden"].mean()

    return [*train(watch, model, optimizer, step, steps=5), *left, torch.tensor(calls)]


def batch_that_is_written_to_by_a_compiled_model(watch: Watch) -> list[Tensor]:
    return batch_that_is_written_to(watch, compiled=True)


REPLAYED: tuple[Job, ...] = (
    batch_that_is_written_to,
    batch_that_is_written_to_by_a_compiled_model,
    compiled_transformer,
    compiled_with_autocast_and_a_scaler,
    compiled_while_accumulating_and_evaluating,
    function_inside,
    function_inside_that_can_be_differentiated_twice,
)
NOT_REPLAYED: dict[Job, str] = {
    function_inside_in_half_precision: "ran in half precision; differences of gradients are mostly rounding then",
    compiled_dropout: "the model is compiled and draws random numbers",
    compiled_in_part: "a part of the job is compiled, and would be compiled again for what listens",
    compiled_and_passed_twice: "the loss comes from several of the same model",
    compiled_with_hooks: "modules have hooks of the job's own, which would run once more",
}
