"""Loops that few write and that break those who watch: other orders, other owners of the step, other processes."""

import gc

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from tests.agent.jobs import (
    STEPS,
    Job,
    Watch,
    conv,
    everything,
    flat_batch,
    flat_loss,
    gpt,
    image_batch,
    mlp,
    plain,
    text_loss,
    train,
)


def clipping_by_value(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(number: int) -> None:
        optimizer.zero_grad()
        flat_loss(model).backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.01)
        optimizer.step()

    return train(watch, model, optimizer, step)


class Checkpointed(nn.Module):
    """Forgets what its middle computed and computes it again in the backward pass."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(8, 16), nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.2)), mlp()
        self.narrow = nn.Linear(16, 8)
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        inner = checkpoint(self.middle, torch.relu(self.first(x)), use_reentrant=self.reentrant)
        out: Tensor = self.last(self.narrow(inner))
        return out


def checkpointed(watch: Watch, *, reentrant: bool = False) -> list[Tensor]:
    model = Checkpointed(reentrant=reentrant)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return train(watch, model, optimizer, plain(model, optimizer))


def checkpointed_reentrant(watch: Watch) -> list[Tensor]:
    return checkpointed(watch, reentrant=True)


def loss_inside_a_checkpoint(watch: Watch) -> list[Tensor]:
    """Nothing of the scores is kept: to read them would compute them again."""
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(model: nn.Module) -> Tensor:
        x, y = flat_batch()
        out: Tensor = checkpoint(lambda x: F.cross_entropy(model(x), y), x, use_reentrant=False)
        return out

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def smoothed_labels_that_partly_do_not_count(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def loss(model: nn.Module) -> Tensor:
        tokens = torch.randint(0, 32, (4, 9))
        right = tokens[:, 1:].masked_fill(tokens[:, 1:] < 8, -100)
        scores = model(tokens[:, :-1]).transpose(1, 2)
        return F.cross_entropy(scores, right, label_smoothing=0.1, weight=torch.linspace(1, 2, 32))

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def answers_with_two_sides(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def loss(model: nn.Module) -> Tensor:
        scores = model(torch.randn(16, 8))
        two = F.binary_cross_entropy_with_logits(scores[:, :3], torch.randint(0, 2, (16, 3)).float())
        return two + F.soft_margin_loss(scores[:, 3], 2.0 * torch.randint(0, 2, (16,)) - 1.0)

    def step(number: int) -> None:
        optimizer.zero_grad()
        for _ in range(2):
            (loss(model) / 2).backward()
        optimizer.step()

    return train(watch, model, optimizer, step)


def frozen_in_mid_run(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    one = plain(model, optimizer, text_loss)

    def step(number: int) -> None:
        model[1].requires_grad_(not 4 <= number < 8)
        one(number)

    return train(watch, model, optimizer, step)


def optimizers_inside_the_backward_pass(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizers = {p: torch.optim.SGD([p], lr=0.1, momentum=0.9) for p in model.parameters()}

    def at_once(parameter: Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(at_once)
    watch(model, [*optimizers.values()])
    for _ in range(STEPS):
        flat_loss(model).backward()
    return everything(model, [*optimizers.values()])


def moving_average_of_the_weights(watch: Watch) -> list[Tensor]:
    model = conv()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = SWALR(optimizer, swa_lr=0.05, anneal_epochs=3)

    def step(number: int) -> None:
        x, y = image_batch()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        average.update_parameters(model)
        schedule.step()

    result = train(watch, model, optimizer, step)
    update_bn([image_batch()[0]], average)
    return [*result, *everything(average, [])]


def gradients_by_autograd_grad(watch: Watch) -> list[Tensor]:
    """A penalty on the gradient, and gradients that nobody sent backward."""
    model = mlp()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-2)

    def step(number: int) -> None:
        loss = flat_loss(model)
        grads = torch.autograd.grad(loss, parameters, create_graph=True)
        penalty = torch.stack([g.square().sum() for g in grads]).sum()
        (loss + 0.1 * penalty).backward(inputs=parameters)
        optimizer.step()
        optimizer.zero_grad()

    return train(watch, model, optimizer, step)


def several_backward_passes_over_one_graph(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(number: int) -> None:
        x, y = flat_batch()
        optimizer.zero_grad()
        out = model(x)
        F.cross_entropy(out, y).backward(retain_graph=True)
        torch.autograd.backward([out.square().mean(), out.abs().mean()])
        out2 = model(x)
        out2.backward(torch.ones_like(out2))
        optimizer.step()

    return train(watch, model, optimizer, step)


def weights_loaded_in_mid_run(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    one = plain(model, optimizer)
    kept: list[dict[str, dict[str, Tensor]]] = []

    def step(number: int) -> None:
        if number == 3:
            kept.append({"model": {k: v.clone() for k, v in model.state_dict().items()}})
        if number == 7:
            model.load_state_dict(kept[0]["model"])
            optimizer.load_state_dict(optimizer.state_dict())
        if number == 9:
            gc.freeze()
        one(number)

    result = train(watch, model, optimizer, step)
    gc.unfreeze()
    return result


def _of_workers(watch: Watch, context: str) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = TensorDataset(torch.randn(64, 8), torch.randint(0, 4, (64,)))
    watch(model, [optimizer])
    loader = DataLoader(data, batch_size=16, shuffle=True, num_workers=1, multiprocessing_context=context)
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return everything(model, [optimizer])


def data_from_forked_workers(watch: Watch) -> list[Tensor]:
    return _of_workers(watch, "fork")


def data_from_spawned_workers(watch: Watch) -> list[Tensor]:
    return _of_workers(watch, "spawn")


UNUSUAL: tuple[Job, ...] = (
    clipping_by_value,
    checkpointed,
    checkpointed_reentrant,
    loss_inside_a_checkpoint,
    smoothed_labels_that_partly_do_not_count,
    answers_with_two_sides,
    frozen_in_mid_run,
    optimizers_inside_the_backward_pass,
    moving_average_of_the_weights,
    gradients_by_autograd_grad,
    several_backward_passes_over_one_graph,
    weights_loaded_in_mid_run,
    data_from_forked_workers,
    data_from_spawned_workers,
)
