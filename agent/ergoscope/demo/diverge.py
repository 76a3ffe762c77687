"""A run that blows up: healthy at first, then the learning rate is raised until no step can hold the loss."""

import torch
from torch import nn

from ergoscope.demo.digits import BATCH, NOISE, conv_net, digit_batches
from ergoscope.demo.task import Task

LR = 0.02
GROWTH = 100.0  # the learning rate at the end of the rise, over the one at its start


def diverge(*, steps: int, seed: int) -> Task:
    """SGD with momentum on the digits, without normalisation; from a third of the run on the rate grows every step."""
    torch.manual_seed(seed)
    # Batch normalisation would forgive almost any step; this run shows what happens without it.
    model = conv_net(normalised=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9)
    calm = max(1, steps // 3)

    def factor(step: int) -> float:
        return float(GROWTH ** (max(0, step - calm) / max(1, steps - calm)))

    return Task(
        name="diverge-conv-sgd",
        model=model,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.LambdaLR(optimizer, factor),
        batches=digit_batches(size=BATCH, seed=seed, shift=1, noise=NOISE),
        loss=nn.CrossEntropyLoss(),
        config={"task": "diverge", "batch": BATCH, "seed": seed, "steps": steps, "rise_from": calm},
    )
