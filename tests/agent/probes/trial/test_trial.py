"""What steps do to a fixed batch, where that is known."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD, AdamW

from ergoscope.curvature.sharpness import RADIUS
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.trials import Bowls, LossFn, descend, finish, of_each, said, watch

CURVATURES = torch.tensor([4.0, 1.0, 0.25], dtype=torch.float64)
NOISE = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)  # variances
COPIES = 2000
WINDOW = 40


@pytest.mark.known_answer("descent_balance")
@pytest.mark.parametrize(("rate", "momentum"), [(0.2, 0.0), (0.02, 0.9)])
def test_noisy_descent_that_has_settled_on_a_quadratic_pays_back_all_it_gains(rate: float, momentum: float) -> None:
    """Over successive steps Σc is F at the end less F at the start, so R - 1 is that over -Σa."""
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), Bowls(CURVATURES, torch.zeros(COPIES, 3, dtype=torch.float64))
    optimizer = SGD(model.parameters(), lr=rate, momentum=momentum)
    descend(model, optimizer, steps=600, noise=NOISE.sqrt())  # the slowest direction forgets in 20

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=WINDOW, noise=NOISE.sqrt())
    finish(taps)

    h, up = CURVATURES, 1 + momentum
    variance = rate * NOISE * up / (h * (1 - momentum) * (2 * up - rate * h))
    gain = float((variance * rate * h**2 / up).sum())  # -E[a] = ½ h E[Δ²] of a copy, E[Δ²] = 2vηh/(1 + μ)
    swing = float((h * variance).square().sum().sqrt())  # √2 standard deviations of F, √(½Σ(hv)²) of a copy
    found = list(outlet.series("descent_balance").values())
    assert len(found) == WINDOW - 20 + 1
    assert abs(found[-1] - 1) < 4 * swing / (gain * WINDOW * COPIES**0.5)


@pytest.mark.known_answer("descent_fraction")
def test_descent_with_the_whole_batch_always_points_downhill_and_pays_back_what_the_rate_says() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(8))
    optimizer = SGD(model.parameters(), lr=0.3)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=20)
    finish(taps)

    assert outlet.series("descent_fraction") == {20: 1.0}
    # At the last step the loss is 1e-15 of the first: what fp32 weights round away is 6e-8 of each step's.
    assert outlet.series("descent_balance")[20] == pytest.approx(0.3, rel=1e-5)  # ηh/2


@pytest.mark.known_answer("descent_balance_error", "descent_fraction_error")
def test_the_errors_are_those_of_batch_means_and_of_a_share() -> None:
    """Of 20 steps there are 4 batches of 5; R is a ratio of means, whose error is that of a mean of c - a + R a."""
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(1.0), torch.zeros(1, dtype=torch.float64))
    optimizer = SGD(model.parameters(), lr=1.0)
    generator = torch.Generator().manual_seed(0)
    places = torch.randn(21, generator=generator, dtype=torch.float64)
    places[::2] *= 0.1  # steps alternate between up and down, but promise more than they cost

    taps = watch(model, optimizer, outlet)
    for here, there in pairwise(places):
        model.weight.data.fill_(float(here))
        model.weight.grad = (here - there)[None]
        optimizer.step()
    finish(taps)

    moves = places.diff()
    slopes, costs = places[:-1] * moves, 0.5 * moves**2
    ratio = float(costs.mean() / -slopes.mean())
    batches = (costs + ratio * slopes).view(4, 5).mean(1)
    error = float(batches.std() / 2 / -slopes.mean())
    assert outlet.series("descent_balance")[20] == pytest.approx(ratio, rel=1e-9)
    assert outlet.series("descent_balance_error")[20] == pytest.approx(error, rel=1e-9)
    share = float((slopes < 0).double().mean())
    assert outlet.series("descent_fraction_error")[20] == pytest.approx((share * (1 - share) / 20) ** 0.5)


@pytest.mark.known_answer("sam_sharpness")
def test_a_nudge_raises_a_quadratic_by_what_its_slope_and_curvature_say() -> None:
    outlet = MemoryOutlet()
    model = Bowls(CURVATURES, torch.tensor([[0.3, -1.2, 0.7]], dtype=torch.float64))
    weights = model.weight.detach().clone()
    optimizer = SGD(model.parameters(), lr=0.0)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=1)
    finish(taps)

    slope = (CURVATURES * weights)[0]
    along = float((CURVATURES * slope**2).sum() / slope.square().sum())
    expected = RADIUS * float(slope.norm()) + RADIUS**2 / 2 * along
    assert outlet.series("sam_sharpness")[1] == pytest.approx(expected, rel=1e-12)
    assert torch.equal(model.weight.detach(), weights)


def test_decay_that_goes_through_the_gradient_belongs_to_the_loss_and_other_decay_does_not() -> None:
    found = []
    for kind in ("coupled", "decoupled"):
        outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(4, dtype=torch.float64))
        optimizer = (
            SGD(model.parameters(), lr=0.1, weight_decay=1.0)
            if kind == "coupled"
            else AdamW(model.parameters(), lr=0.01, weight_decay=1.0)
        )
        taps = watch(model, optimizer, outlet)
        descend(model, optimizer, steps=20)
        finish(taps)
        found.append(outlet.series("descent_balance")[20])

    assert found[0] == pytest.approx(0.1 * (2.0 + 1.0) / 2, rel=1e-9)  # η(h + λ)/2
    # Of the loss alone: w goes from 1 by about .02 a step, of which R is the mean of |Δ|/2w.
    w = torch.ones((), dtype=torch.float64)
    assert 0 < found[1] < float(0.02 / (2 * (w - 20 * 0.02)))


def test_a_balance_is_of_steps_at_like_rates() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(4, dtype=torch.float64))
    optimizer = SGD(model.parameters(), lr=0.1)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=25)
    optimizer.param_groups[0]["lr"] = 0.01
    descend(model, optimizer, steps=25)
    finish(taps)

    found = outlet.series("descent_balance")
    assert list(found) == [*range(20, 26), *range(45, 51)]
    assert found[25] == pytest.approx(0.1, rel=1e-9)
    assert found[50] == pytest.approx(0.01, rel=1e-9)


def test_steps_that_change_nothing_say_nothing_of_the_balance() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(4))
    optimizer = SGD(model.parameters(), lr=0.0)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=25)
    finish(taps)

    assert outlet.series("descent_fraction") == {}
    assert len(outlet.series("sam_sharpness")) == 25


def test_uphill_there_is_no_balance_and_that_is_said_by_a_number_that_is_none() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(4, dtype=torch.float64))
    optimizer = SGD(model.parameters(), lr=0.01, maximize=True)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=20)
    finish(taps)

    assert outlet.series("descent_balance")[20] != outlet.series("descent_balance")[20]
    assert outlet.series("descent_fraction") == {20: 0.0}
    assert outlet.series("descent_balance_error") == {}


@pytest.mark.parametrize("swapped", [False, True])
def test_with_several_optimizers_a_step_is_over_when_each_has_stepped(swapped: bool) -> None:
    outlet = MemoryOutlet()
    model = nn.ModuleList([Bowls(torch.tensor(2.0), torch.ones(4, dtype=torch.float64)) for _ in range(2)])
    optimizers = [SGD(part.parameters(), lr=0.1) for part in model]

    taps = watch(model, optimizers, outlet, loss_fn=lambda pair, _: pair[0]() + pair[1]())  # type: ignore[index]  # a list of two
    for _ in range(22):
        order = list(zip(model, optimizers, strict=True))
        for part, optimizer in reversed(order) if swapped else order:
            assert isinstance(part, Bowls)
            descend(part, optimizer, steps=1)
    finish(taps)

    # Both move by the same share a step; of one that is a step behind the share stays the same.
    assert list(outlet.series("descent_balance").values())[-1] == pytest.approx(0.1, rel=1e-9)
    assert outlet.series("descent_fraction")[21 - swapped] == 1.0


class Masked(nn.Sequential):
    """A net whose forward pass draws, counts and updates statistics."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 4))


def loss_of(model: nn.Module, _: object = None) -> Tensor:
    torch.randn(1)  # as any job does
    inputs = torch.linspace(-1, 1, 6 * 8).view(6, 8)
    return F.cross_entropy(model(inputs), torch.arange(6) % 4, reduction="none")


def test_draws_are_the_same_before_and_after_so_a_net_that_stays_does_not_change() -> None:
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), Masked()
    optimizer = SGD(model.parameters(), lr=0.0)

    taps = watch(model, optimizer, outlet, loss_fn=loss_of)
    for _ in range(22):
        optimizer.zero_grad()
        loss_of(model).mean().backward()
        optimizer.step()
    finish(taps)

    assert outlet.series("descent_balance") == {}
    assert set(outlet.series("trajectory_kl").values()) == {0.0}
    assert len(set(outlet.series("sam_sharpness").values())) == 1
    assert said(outlet) == []


def no_memory(_: nn.Module, batch: object) -> Tensor:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("loss_fn", "reason"),
    [
        (lambda model, _: None, "loss_fn must give a tensor of losses, and gives NoneType"),
        (lambda model, _: loss_of(model).detach(), "its loss depends on no parameter that is trained"),
        (no_memory, "there is no memory for it"),
    ],
)
def test_what_cannot_be_measured_is_tried_once_and_said_once(loss_fn: LossFn, reason: str) -> None:
    calls: list[int] = []

    def counted(model: nn.Module, batch: object) -> object:
        calls.append(1)
        return loss_fn(model, batch)

    outlet, model = MemoryOutlet(), Masked()
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = watch(model, optimizer, outlet, loss_fn=counted)
    for _ in range(3):
        loss_of(model).mean().backward()
        optimizer.step()
    finish(taps)

    assert calls == [1]
    (text,) = said(outlet)
    assert text.startswith("what a step does to the probe batch is not measured: ")
    assert reason in text


def on_a_parameter(model: nn.Module) -> None:
    model[0].weight.register_hook(lambda gradient: None)  # type: ignore[index, union-attr]  # a sequence


def on_a_module(model: nn.Module) -> None:
    model[3].register_full_backward_hook(lambda *_: None)  # type: ignore[index]  # a sequence


@pytest.mark.parametrize(
    ("place", "who"), [(on_a_parameter, "a parameter has"), (on_a_module, "a module has backward")]
)
def test_hooks_of_the_job_do_not_see_a_pass_of_ours(place: Callable[[nn.Module], None], who: str) -> None:
    outlet, model = MemoryOutlet(), Masked()
    place(model)
    optimizer = SGD(model.parameters(), lr=0.1)

    taps = watch(model, optimizer, outlet, loss_fn=loss_of)
    loss_of(model).mean().backward()
    optimizer.step()
    finish(taps)

    (text,) = said(outlet)
    assert text == f"what a step does to the probe batch is not measured: {who} hooks of the job's own"


def test_where_memory_ends_half_of_the_batch_is_taken() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0), torch.ones(4))
    optimizer = SGD(model.parameters(), lr=0.1)

    def large(bowls: nn.Module, batch: object) -> Tensor:
        assert isinstance(batch, Tensor)
        return of_each(bowls, 0) * batch.mean() if len(batch) < 4 else no_memory(bowls, batch)

    taps = watch(model, optimizer, outlet, probe=torch.ones(6), loss_fn=large)
    descend(model, optimizer, steps=3)
    finish(taps)

    assert list(outlet.series("sam_sharpness")) == [2, 3]
    assert said(outlet)[0] == "there is no memory for the probe batch around a step: the first half of it is taken"


def test_weights_of_16_bits_are_not_nudged_but_their_steps_are_seen() -> None:
    outlet, model = MemoryOutlet(), Bowls(torch.tensor(2.0, dtype=torch.bfloat16), torch.ones(4).bfloat16())
    optimizer = SGD(model.parameters(), lr=0.1)

    taps = watch(model, optimizer, outlet)
    descend(model, optimizer, steps=20)
    finish(taps)

    assert outlet.series("sam_sharpness") == {}
    (text,) = said(outlet, "sam_sharpness")
    assert text == "sam_sharpness is absent: weights in torch.bfloat16 would round most of the nudge away"
    assert outlet.series("descent_balance")[20] == pytest.approx(0.1, rel=0.1)
