"""Jobs that hand over a probe batch, whose models draw, count and remember in their forward pass."""

import random
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.checkpoint import checkpoint

from tests.agent.jobs import (
    STEPS,
    Job,
    Watch,
    conv,
    everything,
    flat_loss,
    gpt,
    image_batch,
    mlp,
    plain,
    text_loss,
    train,
)

Loss = Callable[[nn.Module, object], Tensor]
IMAGES = torch.linspace(-1, 1, 6 * 64).view(6, 1, 8, 8)
FLAT = torch.linspace(-1, 1, 6 * 8).view(6, 8)


def spread(model: nn.Module, batch: object) -> Tensor:
    """The variance of an example's outputs, as good as any loss."""
    out: Tensor = model(batch)
    return out.flatten(1).var(1)


def image_loss(model: nn.Module) -> Tensor:
    x, y = image_batch()
    return F.cross_entropy(model(x), y)


def probed_conv(watch: Watch, *, loss_fn: Loss = spread, in_training: bool = True) -> list[Tensor]:
    model = conv().train(in_training)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    watch = partial(watch, probe=IMAGES, loss_fn=loss_fn)
    return train(watch, model, optimizer, plain(model, optimizer, image_loss))


def probed_in_evaluation_mode(watch: Watch) -> list[Tensor]:
    return probed_conv(watch, in_training=False)


def probed_with_a_loss_that_disturbs(watch: Watch) -> list[Tensor]:
    """It draws from all generators, changes modes and goes backward."""

    def loss(model: nn.Module, batch: object) -> Tensor:
        model.eval()
        torch.randn(3), random.random(), np.random.rand()  # drawn and dropped
        model[0].weight.requires_grad_(False)  # type: ignore[index, union-attr]  # a sequence
        with torch.enable_grad():
            losses = spread(model, batch)
            losses.sum().backward()
        torch.set_grad_enabled(True)
        return losses

    return probed_conv(watch, loss_fn=loss)


def probed_by_halves_with_autocast(watch: Watch) -> list[Tensor]:
    """Everything under one autocast, whose cache lives through the steps of an accumulation."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    watch(model, [optimizer], probe=FLAT, loss_fn=spread)
    for _ in range(STEPS):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            optimizer.zero_grad()
            flat_loss(model).backward()
            optimizer.step()
            flat_loss(model).backward()
            optimizer.step()
    return everything(model, [optimizer])


class Remembering(nn.Module):
    """Counts, replaces a buffer, keeps a weight that it computes, and checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.utils.spectral_norm(nn.Linear(8, 16))
        self.rest = nn.utils.weight_norm(nn.Linear(16, 4))
        self.calls = 0
        self.register_buffer("mean", torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        hidden: Tensor = checkpoint(self.net, x, use_reentrant=False)
        self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        out: Tensor = self.rest(F.dropout(torch.relu(hidden - self.mean), 0.1 if self.calls % 2 else 0.2))
        return out


def probed_model_that_remembers(watch: Watch) -> list[Tensor]:
    model = Remembering()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    watch = partial(watch, probe=FLAT, loss_fn=spread)
    return [*train(watch, model, optimizer, plain(model, optimizer)), torch.tensor(model.calls), model.rest.weight]


def probed_transformer(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    watch = partial(watch, probe=torch.arange(24).view(4, 6), loss_fn=spread)
    return train(watch, model, optimizer, plain(model, optimizer, text_loss))


def probed_compiled_model(watch: Watch, *, in_place: bool = False) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    compiled: nn.Module = model
    if in_place:
        model.compile(backend="aot_eager")
    else:
        compiled = torch.compile(model, backend="aot_eager")  # type: ignore[assignment]  # a module as well
    watch(compiled, [optimizer], probe=FLAT, loss_fn=spread)
    step = plain(compiled, optimizer)
    for number in range(STEPS):
        step(number)
    return everything(model, [optimizer])


def probed_model_compiled_in_place(watch: Watch) -> list[Tensor]:
    return probed_compiled_model(watch, in_place=True)


def probed_while_accumulating_with_two_optimizers(watch: Watch) -> list[Tensor]:
    model = conv()
    optimizers = [torch.optim.SGD([p], lr=0.1, momentum=0.9) for p in (model[0].weight, model[5].weight)]
    watch(model, optimizers, probe=IMAGES, loss_fn=spread)
    for number in range(STEPS):
        image_loss(model).backward()
        optimizers[0].step()  # the probe runs here, while the other's gradients wait
        if number % 3 == 2:
            optimizers[1].step()
            model.zero_grad()
    return everything(model, optimizers)


PROBED: tuple[Job, ...] = (
    probed_conv,
    probed_in_evaluation_mode,
    probed_with_a_loss_that_disturbs,
    probed_by_halves_with_autocast,
    probed_model_that_remembers,
    probed_transformer,
    probed_compiled_model,
    probed_model_compiled_in_place,
    probed_while_accumulating_with_two_optimizers,
)
