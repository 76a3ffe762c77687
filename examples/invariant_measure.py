"""The loss settles, the gradient does not: the weights have come to an invariant measure, not to a stationary point.

A small net with batch normalization learns ten classes that a random net drew, a fifth of them wrong. At the first
learning rate its loss settles although the gradient of the whole training loss does not vanish; ten times lower the
loss falls again and settles again, while that gradient first halves and then rises. So it is on ImageNet, whose numbers
are drawn beside: Zhang, Li, Sra, Jadbabaie (2022), read off the figure of their ResNet-101.

    ergoscope up                                          # in another terminal, with the page
    python examples/invariant_measure.py                  # --figure measure.html writes the curves to a file
"""

import argparse
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import ergoscope
from ergoscope_contract.answers import Alert, Verdict

EXAMPLES, INPUTS, CLASSES, WRONG = 20_000, 32, 10, 0.2
BATCH, RATE, MOMENTUM, DECAY = 256, 0.05, 0.9, 5e-3
PROBE = 4000  # examples in the fixed batch
LOOK = 200  # steps between two looks at the gradient of the whole training loss

Data = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ImageNet:
    """What was read off the figure: norm of the gradient of the whole training loss, with an error of .003, and loss.

    The learning rate falls tenfold at epochs 30 and 60; between two epochs the mean over them.
    """

    epochs: tuple[float, ...] = (0, 9.5, 24.5, 30, 32.5, 44.5, 54.5, 60, 74.5, 87)
    gradient: tuple[float, ...] = (0.507, 0.429, 0.414, 0.217, 0.286, 0.502, 0.566, 0.302, 0.401, 0.486)
    loss: tuple[float, ...] = (4.14, 2.54, 2.31, 1.61, 1.52, 1.58, 1.50, 1.29, 1.14, 1.07)
    drops: tuple[float, ...] = (30, 60)


@dataclass(frozen=True)
class Story:
    """What the service has of the run, once it has judged all of it; notices as they were given, one a plateau."""

    verdict: Verdict
    loss: ergoscope.Points
    gradient: ergoscope.Points
    balance: ergoscope.Points
    notices: tuple[Alert, ...] = ()


def make_data(hidden: int = 16) -> Data:
    """Draw inputs, and for each the class that a random net of one hidden layer gives the highest score, or another."""
    inputs = torch.randn(EXAMPLES, INPUTS)
    first, second = 3 * torch.randn(INPUTS, hidden) / INPUTS**0.5, torch.randn(hidden, CLASSES)
    labels = (torch.tanh(inputs @ first) @ second).argmax(dim=1)
    wrong = torch.rand(EXAMPLES) < WRONG
    return inputs, torch.where(wrong, torch.randint(CLASSES, (EXAMPLES,)), labels)


def make_model(width: int = 32) -> nn.Sequential:
    """Make a net of two hidden layers, each normalized over the batch."""
    return nn.Sequential(
        nn.Linear(INPUTS, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, CLASSES),
    )


def losses(model: nn.Module, data: Data) -> Tensor:
    """Give the loss of each example."""
    return nn.functional.cross_entropy(model(data[0]), data[1], reduction="none")


def whole_gradient(model: nn.Module, copy: nn.Module, data: Data) -> float:
    """Give the norm of the gradient of the loss that is trained, batch statistics and weight decay included.

    The gradients of all batches are averaged on a copy, so that the model's running statistics stay what they are.
    """
    copy.load_state_dict(model.state_dict())
    copy.zero_grad()
    batches = list(zip(data[0].split(BATCH), data[1].split(BATCH), strict=True))
    for batch in batches:
        penalty = 0.5 * DECAY * sum((p * p).sum() for p in copy.parameters())
        gradients = torch.autograd.grad(losses(copy, batch).mean() + penalty, list(copy.parameters()))
        for p, g in zip(copy.parameters(), gradients, strict=True):
            p.grad = g / len(batches) if p.grad is None else p.grad + g / len(batches)
    return float(torch.stack([p.grad.norm() for p in copy.parameters()]).norm())


def train(steps: int, drop: int, seed: int = 0) -> ergoscope.Run:
    """Train, the learning rate falling tenfold after step `drop`; as much time goes to readings as to steps."""
    torch.manual_seed(seed)
    data, model, copy = make_data(), make_model(), make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [drop])
    run = ergoscope.watch(
        model,
        optimizer,
        probe=(data[0][:PROBE], data[1][:PROBE]),
        loss_fn=losses,
        examples_per_backward=BATCH,
        budget=1.0,
        project="invariant measure",
        name="invariant measure",
        config={"batch": BATCH, "wrong labels": WRONG, "steps": steps, "drop": drop, "seed": seed},
    )
    for step in range(steps):
        if step % LOOK == 0:
            run.log({"whole/grad_norm": whole_gradient(model, copy, data)}, step=step)
        chosen = torch.randint(EXAMPLES, (BATCH,))
        optimizer.zero_grad()
        losses(model, (data[0][chosen], data[1][chosen])).mean().backward()
        optimizer.step()
        schedule.step()
    run.finish()
    return run


def read(run: ergoscope.Run, steps: int, patience_s: float = 60.0) -> Story | None:
    """Read the run back once the service has judged its last step; None where no server has it."""
    try:
        stored = ergoscope.Api(run.settings.base_url, api_key=run.settings.api_key).run(run.id)
        end = time.monotonic() + patience_s
        while max((r.step or 0 for r in stored.verdict().readings), default=0) < steps and time.monotonic() < end:
            time.sleep(0.5)
        return load_story(stored)
    except ergoscope.ErgoscopeError:
        print("no server has its readings; `ergoscope up`, then `ergoscope sync` brings them there")
        return None


def load_story(stored: ergoscope.StoredRun) -> Story:
    """Read what the figure needs of a run."""
    series = [stored.series(name) for name in ("loss", "whole/grad_norm", "descent_balance")]
    notices = sorted((a for a in stored.alerts() if a.rule == "plateau"), key=lambda alert: alert.first_step or 0)
    return Story(stored.verdict(), *series, notices=tuple(notices))


def tell(story: Story) -> None:
    """Print the stretches of the run's life with what was measured in each, the notices, and the verdict."""
    start = story.gradient.values[0]
    for spell in story.verdict.spells:
        told = [f"steps {spell.first:,} to {spell.last:,}: {spell.state}"]
        for name, points in (("loss", story.loss), ("whole gradient", story.gradient), ("balance", story.balance)):
            within = points.values[(points.steps >= spell.first) & (points.steps <= spell.last)]
            if len(within):
                share = f" ({within.mean() / start:.0%} of its start)" if points is story.gradient else ""
                told.append(f"{name} {within.mean():.3f}{share}")
        print(", ".join(told))
    for alert in story.notices:
        print(f"notice: {alert.text}")
    print(story.verdict.sentence)


def draw(story: Story, path: str) -> None:
    """Write loss, gradient and balance as a figure, those of ImageNet beside them."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    titles = ("this run: loss", "ImageNet, ResNet-101: loss", "gradient / its start", "gradient / its start", "balance")
    figure = make_subplots(rows=3, cols=2, subplot_titles=titles, specs=[[{}, {}], [{}, {}], [{}, None]])
    loss = story.loss.values[: len(story.loss) // LOOK * LOOK].reshape(-1, LOOK).mean(axis=1)
    imagenet, level = ImageNet(), story.gradient.values / story.gradient.values[0]
    ours = ((story.loss.steps[LOOK - 1 :: LOOK], loss), (story.gradient.steps, level))
    for row, (steps, values) in enumerate((*ours, (story.balance.steps, story.balance.values)), start=1):
        figure.add_trace(go.Scatter(x=steps, y=values), row=row, col=1)
    theirs = [value / imagenet.gradient[0] for value in imagenet.gradient]
    for row, values in enumerate((imagenet.loss, theirs), start=1):
        figure.add_trace(go.Scatter(x=imagenet.epochs, y=values, mode="lines+markers"), row=row, col=2)
    for epoch in imagenet.drops:
        figure.add_vline(x=epoch, line_dash="dot", row="all", col=2)
    for mark in story.verdict.marks:
        figure.add_vline(x=mark.step, line_dash="dot", row="all", col=1)
    figure.update_layout(showlegend=False).write_html(path)


def main(steps: int = 14_000, drop: int = 6000, figure: str = "") -> None:
    """Train, then say what the service made of it."""
    story = read(train(steps, drop), steps)
    if story is not None:
        tell(story)
        if figure:
            draw(story, figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=14_000)
    parser.add_argument("--drop", type=int, default=6000, help="the step after which the learning rate falls tenfold")
    parser.add_argument("--figure", default="", metavar="FILE", help="write the curves to an HTML file")
    given = parser.parse_args()
    main(given.steps, given.drop, given.figure)
