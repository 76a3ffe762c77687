"""The jobs that must come out the same with the agent and without, to the last bit."""

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
    flat_batch,
    flat_loss,
    gpt,
    image_batch,
    mlp,
    plain,
    text_loss,
    train,
)
from tests.agent.jobs_compiled import COMPILED
from tests.agent.jobs_of_optimizers import OPTIMIZERS
from tests.agent.jobs_of_two_passes import SPLIT, UNSPLIT
from tests.agent.jobs_probed import PROBED
from tests.agent.jobs_replayed import NOT_REPLAYED, REPLAYED
from tests.agent.jobs_unusual import UNUSUAL


def sgd_momentum(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    return train(watch, model, optimizer, plain(model, optimizer))


def conv_batchnorm_dropout_schedule(watch: Watch) -> list[Tensor]:
    model = conv()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.1)

    def step(number: int) -> None:
        x, y = image_batch()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()

    return train(watch, model, optimizer, step)


def transformer_adamw_warmup_clipping(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=6)

    def step(number: int) -> None:
        optimizer.zero_grad(set_to_none=False)
        text_loss(model).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()

    return train(watch, model, optimizer, step)


def autocast_bf16(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def loss(model: nn.Module) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return flat_loss(model)

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def grad_scaler_with_a_skipped_step(watch: Watch, *, fused: bool = False) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=4)

    def step(number: int) -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = flat_loss(model) * (float("inf") if number == 5 else 1.0)
        scaler.scale(loss).backward()
        if number % 2:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()

    return train(watch, model, optimizer, step)


def fused_grad_scaler_with_a_skipped_step(watch: Watch) -> list[Tensor]:
    return grad_scaler_with_a_skipped_step(watch, fused=True)


def accumulation(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def step(number: int) -> None:
        optimizer.zero_grad()
        for _ in range(3):
            (flat_loss(model) / 3).backward()
        optimizer.step()

    return train(watch, model, optimizer, step)


def two_optimizers(watch: Watch) -> list[Tensor]:
    pair = nn.ModuleDict({"generator": nn.Linear(4, 8), "critic": nn.Linear(8, 1)})
    critic = torch.optim.Adam(pair["critic"].parameters(), lr=1e-2)
    generator = torch.optim.SGD(pair["generator"].parameters(), lr=1e-2)
    watch(pair, [critic, generator])
    for _ in range(STEPS):
        critic.zero_grad()
        fake = pair["generator"](torch.randn(8, 4)).detach()
        (pair["critic"](fake).mean() - pair["critic"](torch.randn(8, 8)).mean()).backward()
        critic.step()
        generator.zero_grad()
        (-pair["critic"](pair["generator"](torch.randn(8, 4))).mean()).backward()
        generator.step()
    return everything(pair, [critic, generator])


def lbfgs_closure(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)

    def step(number: int) -> None:
        x, y = flat_batch()

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)

    return train(watch, model, optimizer, step, steps=5)


def backward_inside_the_step(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)

    def step(number: int) -> None:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = flat_loss(model)
            loss.backward()
            return loss

        optimizer.step(closure)

    return train(watch, model, optimizer, step)


def nesterov_that_overwrites_gradients(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, foreach=True)
    return train(watch, model, optimizer, plain(model, optimizer))


def fused_adamw(watch: Watch) -> list[Tensor]:
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    return train(watch, model, optimizer, plain(model, optimizer))


def bf16_parameters(watch: Watch) -> list[Tensor]:
    model = mlp().to(torch.bfloat16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def loss(model: nn.Module) -> Tensor:
        x, y = flat_batch()
        return F.cross_entropy(model(x.to(torch.bfloat16)).float(), y)

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def sparse_embedding(watch: Watch) -> list[Tensor]:
    model = nn.Sequential(nn.Embedding(32, 8, sparse=True), nn.Linear(8, 32))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return train(watch, model, optimizer, plain(model, optimizer, text_loss))


def complex_parameters(watch: Watch) -> list[Tensor]:
    model = nn.Linear(4, 4, dtype=torch.complex64)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def loss(model: nn.Module) -> Tensor:
        out: Tensor = model(torch.randn(8, 4, dtype=torch.complex64)).abs().square().mean()
        return out

    return train(watch, model, optimizer, plain(model, optimizer, loss))


def tied_and_unfrozen_in_mid_run(watch: Watch) -> list[Tensor]:
    model = nn.Sequential(nn.Embedding(32, 8), nn.Linear(8, 8), nn.Linear(8, 32, bias=False))
    model[2].weight = model[0].weight
    model[1].requires_grad_(False)
    optimizer = torch.optim.AdamW(model[0].parameters(), lr=1e-2)
    one = plain(model, optimizer, text_loss)

    def step(number: int) -> None:
        if number == 5:
            model[1].requires_grad_(True)
            optimizer.add_param_group({"params": model[1].parameters(), "lr": 1e-3})
        one(number)

    return train(watch, model, optimizer, step)


def channels_last_with_layers_that_take_turns(watch: Watch) -> list[Tensor]:
    model = conv().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch does not say that it can
    other = nn.Linear(4 * 36, 4)
    pair = nn.ModuleList([model, other])
    optimizer = torch.optim.AdamW(pair.parameters(), lr=1e-2)

    def step(number: int) -> None:
        x, y = image_batch()
        optimizer.zero_grad()
        features = model[:-1](x.to(memory_format=torch.channels_last))
        F.cross_entropy((other if number % 3 else model[-1])(features), y).backward()
        optimizer.step()

    return train(watch, pair, optimizer, step)


def accumulation_scaled_checkpointed_and_clipped_twice(watch: Watch) -> list[Tensor]:
    model = gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=4)

    def forward(tokens: Tensor) -> Tensor:
        block = checkpoint(model[1], model[0](tokens), use_reentrant=False)
        out: Tensor = model[3](model[2](block))
        return out

    def step(number: int) -> None:
        optimizer.zero_grad(set_to_none=number % 2 == 0)
        for _ in range(3):
            tokens = torch.randint(0, 32, (4, 9))
            loss = F.cross_entropy(forward(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
            scaler.scale(loss / 3).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_value_(model.parameters(), 0.05)
        nn.utils.clip_grad_norm_(model[1].parameters(), 0.1)
        scaler.step(optimizer)
        scaler.update()

    return train(watch, model, optimizer, step)


JOBS: dict[str, Job] = {
    job.__name__: job
    for job in (
        sgd_momentum,
        conv_batchnorm_dropout_schedule,
        transformer_adamw_warmup_clipping,
        autocast_bf16,
        grad_scaler_with_a_skipped_step,
        fused_grad_scaler_with_a_skipped_step,
        accumulation,
        accumulation_scaled_checkpointed_and_clipped_twice,
        two_optimizers,
        lbfgs_closure,
        backward_inside_the_step,
        nesterov_that_overwrites_gradients,
        fused_adamw,
        bf16_parameters,
        sparse_embedding,
        complex_parameters,
        tied_and_unfrozen_in_mid_run,
        channels_last_with_layers_that_take_turns,
    )
} | {job.__name__: job for job in (*COMPILED, *REPLAYED, *NOT_REPLAYED, *UNUSUAL, *PROBED, *SPLIT, *UNSPLIT)}
JOBS |= OPTIMIZERS
