"""Examples that swing against each other, and what must not be taken for that."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD

from ergoscope.lineup import TRIAL
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

LossFn = Callable[[nn.Module, Tensor], Tensor]
SEEN = (9, 10, 11)  # steps at which the batch runs


class Level(nn.Module):
    """A model that is one number."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(at, dtype=torch.float64))

    def forward(self, target: Tensor) -> Tensor:
        return 0.5 * (self.weight - target) ** 2


def of_each(model: nn.Module, batch: Tensor) -> Tensor:
    losses: Tensor = model(batch)
    return losses


@pytest.mark.known_answer("opposing_share", "opposing_flip")
def test_two_groups_that_pull_at_one_feature_beyond_the_edge_swing_against_each_other() -> None:
    """The loss ½w² + const has curvature 1, and w' = (1 - 2.08)w: the mean hardly moves, the groups trade places."""
    quiet, outlet = torch.full((198,), 1 / 99), MemoryOutlet()
    targets = torch.cat([-quiet, torch.ones(2), quiet, -torch.ones(2)]).double()
    model = Level(0.02)
    optimizer = SGD(model.parameters(), lr=2.08)
    taps = attach(model, optimizer, outlet, probe=targets, loss_fn=of_each, clock=lambda: 0.0)

    for _ in range(12):
        optimizer.zero_grad()
        model(targets).mean().backward()
        optimizer.step()
    taps.detach()

    share, flip = outlet.series("opposing_share"), outlet.series("opposing_flip")
    assert list(share) == [10, 11]
    assert list(flip) == [11]
    w = [0.02 * (-1.08) ** step for step in SEEN]
    before, after = ((b**2 - a**2) / 2 - (b - a) * targets for a, b in pairwise(w))
    loud = after.abs()[(targets == 1) | (targets == -1)]  # four of 400: half of all change, but for squares of w
    assert share[11] == pytest.approx(float(loud.sum() / after.abs().sum()), rel=1e-6)
    assert share[11] == pytest.approx(0.5, abs=1e-3)
    assert flip[11] == pytest.approx(-1.0, abs=1e-4)
    assert outlet.events("opposing")[0].step == 11
    data = outlet.events("opposing")[0].data
    assert set(data["examples"][:4]) == {198, 199, 398, 399}  # type: ignore[index]  # JSON
    changes = torch.stack([before, after])[:, data["examples"]]  # type: ignore[index]  # JSON
    assert torch.allclose(torch.tensor(data["changes"], dtype=torch.float64), changes, rtol=1e-6)


def given(losses: Sequence[Tensor]) -> MemoryOutlet:
    """A job whose examples have these losses after its steps."""
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(losses[0].clone())])
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, probe=0, loss_fn=lambda m, _: m[0] * 1.0, clock=lambda: 0.0)  # type: ignore[index]  # a list
    for now in losses:
        model[0].data.copy_(now)
        model[0].grad = torch.zeros_like(now)
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def test_moves_that_have_nothing_to_do_with_each_other_do_not_flip() -> None:
    torch.manual_seed(0)
    walk = torch.randn(12, 40_000).cumsum(0) + 100.0

    outlet = given(list(walk))

    assert outlet.series("opposing_flip")[11] == pytest.approx(0.0, abs=4 / 400**0.5)
    # Of |z|, z normal, the top 1 % make up 2 φ(2.576) / E|z|; beyond 2.576 lie .31 ± .28, which makes .7 % of an error
    # over 400 examples, and the sum below the line .4 %.
    expected = 2 * 0.014460 / 0.797885
    assert outlet.series("opposing_share")[11] == pytest.approx(expected, rel=4 * (0.007**2 + 0.004**2) ** 0.5)
    assert outlet.events("opposing") == []


def test_noise_of_the_evaluation_reads_as_said_and_names_nobody() -> None:
    torch.manual_seed(0)
    noise = 100.0 + torch.randn(12, 40_000)

    outlet = given(list(noise))

    # With z normal and |z| > 2.576: the change is √2 z, and the next one takes half of it back beside a rest of 1.5.
    square = 2 * 8.45
    assert outlet.series("opposing_flip")[11] == pytest.approx(
        -0.5 * square / (square * (square / 4 + 1.5)) ** 0.5, abs=4 / 400**0.5
    )
    assert outlet.events("opposing") == []


def test_changes_within_the_rounding_are_no_swing() -> None:
    torch.manual_seed(0)

    outlet = given(list(1.0 + 1e-6 * torch.randn(12, 400)))

    assert outlet.series("opposing_flip") == {}


def test_who_swings_is_named_once_in_a_thousand_steps() -> None:
    up, down = torch.tensor([1.0, 2.0, 3.0, 1.0]), torch.tensor([3.0, 1.0, 3.5, 1.1])

    outlet = given([up, down] * 600)

    assert len(outlet.series("opposing_flip")) == 19
    assert [(e.step, e.text) for e in outlet.events("opposing")] == [
        (11, "losses of examples 0, 1, 2, 3 of the probe batch swing to and fro"),
        (1035, "losses of examples 0, 1, 2, 3 of the probe batch swing to and fro"),
    ]


def said(outlet: MemoryOutlet) -> list[str]:
    """What the user was told of these quantities."""
    ours = ["opposing_share", "opposing_flip"]
    return [event.text for event in outlet.events("agent") if event.data.get("quantities") == ours]


class Masked(nn.Sequential):
    """A net whose forward pass draws, counts and, while it trains, updates statistics."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 4))


def watched(
    loss_fn: Callable[[nn.Module, tuple[Tensor, Tensor]], object], *, lr: float = 0.1, training: bool = True
) -> tuple[MemoryOutlet, nn.Module]:
    """Train a while on noise."""
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), Masked().train(training)
    optimizer = SGD(model.parameters(), lr=lr)
    batch = torch.randn(32, 8), torch.randint(0, 4, (32,))
    taps = attach(model, optimizer, outlet, probe=batch, loss_fn=loss_fn, clock=lambda: 0.0)  # type: ignore[arg-type]  # wrong ones too
    schedule = taps._monitor._schedule
    due = schedule.due
    schedule.due = lambda step: [d and task != TRIAL for task, d in enumerate(due(step))]  # type: ignore[method-assign]  # who else runs it
    for _ in range(80):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 4, (16,))).backward()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet, model


def losses(model: nn.Module, batch: tuple[Tensor, Tensor], *, reduction: str = "none") -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1], reduction=reduction)


@pytest.mark.parametrize("training", [True, False])
def test_a_net_is_measured_in_the_mode_it_is_in_three_steps_of_64(training: bool) -> None:
    modes: list[bool] = []

    def noted(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        modes.append(model.training)
        return losses(model, batch)

    outlet, _ = watched(noted, training=training)

    assert list(outlet.series("opposing_share")) == [10, 11, 74, 75]
    assert list(outlet.series("opposing_flip")) == [11, 75]
    assert modes == [training] * 6


def test_masks_are_the_same_at_each_step_so_a_net_that_stays_does_not_swing() -> None:
    outlet, _ = watched(losses, lr=0.0)

    assert outlet.series("opposing_share") == {}
    assert said(outlet) == []


def never(_: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    raise KeyError("label")


def too_much(_: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("loss_fn", "reason"),
    [
        (partial(losses, reduction="mean"), "loss an example, shape (n,), and gives one number for all"),
        (lambda model, batch: model(batch[0]), "shape (n,), and gives shape (32, 4)"),
        (lambda model, batch: batch[1], "shape (n,), and gives numbers of type torch.int64"),
        (lambda model, batch: model(batch[0])[:2, 0], "shape (n,), with n at least 3, and gives 2"),
        (lambda model, batch: None, "shape (n,), and gives a NoneType"),
        (never, "KeyError: 'label'"),
        (too_much, "it takes more memory than there is"),
    ],
)
def test_what_cannot_be_measured_is_tried_once_and_said_once(
    loss_fn: Callable[[nn.Module, tuple[Tensor, Tensor]], object], reason: str
) -> None:
    calls: list[int] = []

    def counted(model: nn.Module, batch: tuple[Tensor, Tensor]) -> object:
        calls.append(1)
        return loss_fn(model, batch)

    outlet, _ = watched(counted)

    assert calls == [1]
    (text,) = said(outlet)
    assert text.startswith("losses of single examples of the probe batch are not measured: ")
    assert text.endswith(reason)


def test_several_optimizers_measure_once() -> None:
    calls: list[int] = []
    model = nn.ModuleList([Level(0.1), Level(0.2)])
    optimizers = [SGD(part.parameters(), lr=0.1) for part in model]

    def counted(pair: nn.Module, batch: Tensor) -> Tensor:
        calls.append(1)
        return of_each(pair[0], batch) + of_each(pair[1], batch)  # type: ignore[index]  # a list of two

    taps = attach(model, optimizers, MemoryOutlet(), probe=torch.ones(4), loss_fn=counted, clock=lambda: 0.0)
    for _ in range(12):
        for part, optimizer in zip(model, optimizers, strict=True):
            optimizer.zero_grad()
            part(torch.ones(4)).mean().backward()
            optimizer.step()
    taps.detach()

    assert len(calls) == 3


def test_a_batch_that_changes_its_size_begins_anew() -> None:
    calls: list[int] = []

    def growing(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        calls.append(1)
        return losses(model, batch)[: [30, 31, 31, 32, 32, 32][len(calls) - 1]]

    outlet, _ = watched(growing)

    assert list(outlet.series("opposing_share")) == [11, 74, 75]
    assert list(outlet.series("opposing_flip")) == [75]
