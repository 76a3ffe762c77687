"""Loops that would notice a second backward pass through their graph, and some that must not."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from tests.agent.jobs import Job, Watch, flat_batch, flat_loss, mlp, plain, train


class Reader(nn.Module):
    """A recurrent net over sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTM(8, 16, num_layers=2, dropout=0.2, batch_first=True), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.cell(x)[0][:, -1])
        return out


def recurrent(watch: Watch) -> list[Tensor]:
    model = Reader()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def loss(model: nn.Module) -> Tensor:
        return F.cross_entropy(model(torch.randn(7, 5, 8)), torch.randint(0, 4, (7,)))

    return train(watch, model, optimizer, plain(model, optimizer, loss))


class Named(nn.Module):
    """Answers as the models of libraries do, with its loss made inside."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp()

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        logits = self.inner(x)
        return {"loss": F.cross_entropy(logits, y), "logits": logits.double()}


def loss_made_inside(watch: Watch) -> list[Tensor]:
    model = Named()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def step(number: int) -> None:
        x, y = flat_batch()
        optimizer.zero_grad()
        model(x=x, y=y)["loss"].backward(retain_graph=number % 2 == 0)
        optimizer.step()

    return train(watch, model, optimizer, step)


def retained_gradient_inside(watch: Watch) -> list[Tensor]:
    """The next learning rate follows the gradient at the output, which a second pass would double."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(number: int) -> None:
        x, y = flat_batch()
        optimizer.zero_grad()
        out = model(x)
        out.retain_grad()
        F.cross_entropy(out, y).backward()
        assert out.grad is not None
        optimizer.param_groups[0]["lr"] = 0.1 + float(out.grad.norm())
        optimizer.step()

    return train(watch, model, optimizer, step)


def hook_inside(watch: Watch) -> list[Tensor]:
    model, seen = mlp(), [0.0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def count(gradient: Tensor) -> None:
        seen[0] += 1.0

    def step(number: int) -> None:
        x, y = flat_batch()
        optimizer.zero_grad()
        hidden = model[0](x)
        hidden.register_hook(count)
        F.cross_entropy(model[2](model[1](hidden)) + 0 * model(x), y).backward()
        optimizer.step()

    return [*train(watch, model, optimizer, step), torch.tensor(seen)]


def hook_on_a_parameter(watch: Watch) -> list[Tensor]:
    model, seen = mlp(), [0.0]

    def count(gradient: Tensor) -> None:
        seen[0] += 1.0

    model[0].weight.register_hook(count)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return [*train(watch, model, optimizer, plain(model, optimizer)), torch.tensor(seen)]


def hook_on_a_module(watch: Watch) -> list[Tensor]:
    model, seen = mlp(), [0.0]

    def count(*_: object) -> None:
        seen[0] += 1.0

    model[2].register_full_backward_hook(count)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return [*train(watch, model, optimizer, plain(model, optimizer)), torch.tensor(seen)]


def saved_tensors_given_out_once(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    store: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> int:
        store[len(store)] = tensor
        return len(store) - 1

    def step(number: int) -> None:
        store.clear()
        optimizer.zero_grad()
        with torch.autograd.graph.saved_tensors_hooks(pack, store.pop):
            loss = flat_loss(model)
        loss.backward()
        optimizer.step()

    return train(watch, model, optimizer, step)


class Once(torch.autograd.Function):
    """Lets go of what it saved when it has been used."""

    @staticmethod
    def forward(ctx: "Once", x: Tensor) -> Tensor:
        ctx.kept = x
        return x * x

    @staticmethod
    def backward(ctx: "Once", *grads: Tensor) -> Tensor:
        kept = ctx.kept
        del ctx.kept
        return 2 * kept * grads[0]

    kept: Tensor


def function_that_runs_once(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(model: nn.Module) -> Tensor:
        x, y = flat_batch()
        return F.cross_entropy(Once.apply(model(x)), y)  # type: ignore[no-untyped-call]  # torch leaves it untyped

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def penalty_on_the_weights(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(model: nn.Module) -> Tensor:
        return flat_loss(model) + 1e-3 * torch.stack([p.square().sum() for p in model.parameters()]).sum()

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def penalty_on_what_is_inside(watch: Watch) -> list[Tensor]:
    """What the first layer makes of the rows is part of the loss, and so another in each row."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(model: nn.Module) -> Tensor:
        return flat_loss(model) + 1e-3 * model[0](flat_batch()[0]).square().mean()

    return train(watch, model, optimizer, plain(model, optimizer, loss))


SPLIT: tuple[Job, ...] = (recurrent, loss_made_inside, penalty_on_the_weights)
UNSPLIT: dict[Job, str] = {
    retained_gradient_inside: "the job hooks gradients inside its graph",
    hook_inside: "the job hooks gradients inside its graph",
    hook_on_a_parameter: "a parameter has hooks of the job's own",
    hook_on_a_module: "BackwardHookFunctionBackward in the graph of the loss may go backward only once",
    saved_tensors_given_out_once: "what the graph has saved goes through hooks, as checkpoints and offloading make it",
    function_that_runs_once: "OnceBackward in the graph of the loss may go backward only once",
    penalty_on_what_is_inside: "a part of the loss reaches parameters by another way than the model's output",
}
