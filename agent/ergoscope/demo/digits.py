"""Handwritten digits, real images, a small conv net: the loss settles, the gradient does not."""

from collections import OrderedDict
from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from ergoscope.demo.task import Task

BATCH = 64
LR = 0.05
NOISE = 0.3
DECAY = 5e-3
DROP_AT = 0.65  # share of the run after which the learning rate falls tenfold


def digits_images() -> tuple[Tensor, Tensor]:
    """Give the 1,797 images of 8 by 8 pixels, shape (1797, 1, 8, 8) in [0, 1], and their labels, shape (1797,)."""
    bundle = load_digits()
    images = torch.from_numpy(bundle.images).float().div(16).unsqueeze(1)
    return images, torch.from_numpy(bundle.target).long()


def conv_net(*, normalised: bool = True) -> nn.Module:
    """Three convolutions, each with batch normalisation if `normalised`, and two linear layers: 128,000 parameters."""
    layers: dict[str, nn.Module] = {}
    for number, (before, after) in enumerate([(1, 32), (32, 32), (32, 64)], start=1):
        layers[f"conv{number}"] = nn.Conv2d(before, after, 3, padding=1, bias=not normalised)
        if normalised:
            layers[f"norm{number}"] = nn.BatchNorm2d(after)
        layers[f"act{number}"] = nn.LeakyReLU(0.1)
    layers["pool"] = nn.MaxPool2d(2)
    layers["flat"] = nn.Flatten()
    layers["hidden"] = nn.Linear(64 * 16, 96)
    layers["act4"] = nn.LeakyReLU(0.1)
    layers["head"] = nn.Linear(96, 10)
    return nn.Sequential(OrderedDict(layers))


def digit_batches(*, size: int, seed: int, shift: int, noise: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw batches for ever: random images, each moved by up to `shift` pixels, a share `noise` of the pixels dark."""
    images, labels = digits_images()
    padded = nn.functional.pad(images, (shift,) * 4)
    generator = torch.Generator().manual_seed(seed)
    while True:
        pick = torch.randint(len(images), (size,), generator=generator)
        dx, dy = torch.randint(2 * shift + 1, (2,), generator=generator).tolist()
        batch = padded[pick, :, dy : dy + 8, dx : dx + 8]
        keep = torch.rand(batch.shape, generator=generator) > noise
        yield batch * keep, labels[pick]


def digits(*, steps: int, seed: int) -> Task:
    """SGD with momentum, and a step schedule that divides the learning rate by ten late in the run."""
    torch.manual_seed(seed)
    model = conv_net()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, weight_decay=DECAY)
    drop = max(1, int(DROP_AT * steps))
    return Task(
        name="digits-conv-sgd",
        model=model,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.MultiStepLR(optimizer, [drop], gamma=0.1),
        batches=digit_batches(size=BATCH, seed=seed, shift=1, noise=NOISE),
        loss=nn.CrossEntropyLoss(),
        config={"task": "digits", "batch": BATCH, "seed": seed, "steps": steps, "lr_drop_at": drop},
    )
