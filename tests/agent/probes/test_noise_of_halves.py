"""Slope and noise of a gradient that comes in one backward pass a step, from the two halves of its batch."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ergoscope.lineup import HALVES, LOSS, NOISE, TASKS
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

SLOPE, NOISE_TRACE, SIZE, ROWS, READINGS = 0.09, 25.0, 1278, 128, 401
# Of one reading, for noise alike in all directions: 4 G'ΣG / B + 4 tr(Σ²) / B² of the squared slope, 2 tr(Σ²) of tr Σ.
SLOPE_VARIANCE = 4 * SLOPE * NOISE_TRACE / SIZE / ROWS + 4 * NOISE_TRACE**2 / SIZE / ROWS**2
NOISE_VARIANCE = 2 * NOISE_TRACE**2 / SIZE
# What is smoothed averages (1 + .99) / (1 - .99) = 199 readings.
RATIO_ERROR = 4 * ((SLOPE_VARIANCE / SLOPE**2 + NOISE_VARIANCE / NOISE_TRACE**2) / 199) ** 0.5

Act = Callable[[nn.Module, Optimizer, Tensor], None]


def mean_loss(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
    model(x).mean().backward()
    optimizer.step()


def job(
    act: Act = mean_loss,
    *before: nn.Module,
    steps: int = 12,
    rows: int = 8,
    size: int = 64,
    decay: float = 0.0,
    **options: int,
) -> MemoryOutlet:
    """Steps of a linear model, the gradient of whose examples are the examples themselves, all of them looked at."""
    generator = torch.Generator().manual_seed(0)
    outlet, model = MemoryOutlet(), nn.Linear(size, 1, bias=False)
    nn.init.ones_(model.weight)
    optimizer = SGD(model.parameters(), lr=0.0, weight_decay=decay)
    model = nn.Sequential(*before, model) if before else model
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, **options)
    schedule = taps._monitor._schedule
    now = [t in (LOSS, NOISE, HALVES) for t in range(len(TASKS))]
    schedule.due = lambda step: now  # type: ignore[method-assign]  # all that is asked for, at every step
    taps._monitor._agenda.next = schedule.due(0)
    for _ in range(steps):
        optimizer.zero_grad()
        noise = torch.randn(rows, size, generator=generator)
        act(model, optimizer, (SLOPE / size) ** 0.5 + (NOISE_TRACE / size) ** 0.5 * noise)
    taps.detach()
    return outlet


@cache
def known() -> MemoryOutlet:
    return job(steps=READINGS, rows=ROWS, size=SIZE)


def values(outlet: MemoryOutlet, key: str) -> Tensor:
    return torch.tensor(list(outlet.series(key).values()), dtype=torch.float64)


def told(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if e.text.startswith("slope and noise")]


def test_slope_and_noise_are_unbiased_and_scatter_as_theory_says() -> None:
    slope, noise = values(known(), "grad_sq_norm_debiased"), values(known(), "noise_trace")

    count = len(slope)
    assert count == READINGS - 1  # the first step was under way before it could be looked at
    assert float(slope.mean()) == pytest.approx(SLOPE, abs=4 * (SLOPE_VARIANCE / count) ** 0.5)
    assert float(slope.std()) == pytest.approx(SLOPE_VARIANCE**0.5, rel=4 / (2 * count) ** 0.5)
    assert float(noise.mean()) == pytest.approx(NOISE_TRACE, abs=4 * (NOISE_VARIANCE / count) ** 0.5)


@pytest.mark.parametrize("pull", [-1.0, 1.0])
def test_a_penalty_in_the_loss_belongs_to_the_slope_and_to_no_noise(pull: float) -> None:
    """The penalty pulls as hard as the loss: against it all is at rest, with it the slope is twice as large.

    Signs that went through the penalty too would read SLOPE less in both cases, below zero at rest.
    """

    def act(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
        penalty = 0.5 * pull * (SLOPE / SIZE) ** 0.5 * sum(p.square().sum() for p in model.parameters())
        (model(x).mean() + penalty).backward()
        optimizer.step()

    outlet = job(act, steps=READINGS, rows=ROWS, size=SIZE)

    slope, noise = values(outlet, "grad_sq_norm_debiased"), values(outlet, "noise_trace")
    truth = SLOPE * (1.0 + pull) ** 2
    variance = 4 * truth * NOISE_TRACE / SIZE / ROWS + 4 * NOISE_TRACE**2 / SIZE / ROWS**2
    assert float(slope.mean()) == pytest.approx(truth, abs=4 * (variance / len(slope)) ** 0.5)
    assert float(noise.mean()) == pytest.approx(NOISE_TRACE, abs=4 * (NOISE_VARIANCE / len(noise)) ** 0.5)


def test_weight_decay_of_the_optimizer_is_in_neither() -> None:
    decayed, plain = job(decay=0.1), job()

    for key in ("noise_trace", "grad_sq_norm_debiased"):
        assert decayed.series(key) == plain.series(key)


def test_masks_of_dropout_that_rows_have_for_themselves_are_noise_like_any() -> None:
    torch.manual_seed(0)

    outlet = job(mean_loss, nn.Dropout(0.5), steps=READINGS, rows=ROWS, size=SIZE)

    slope, noise = values(outlet, "grad_sq_norm_debiased"), values(outlet, "noise_trace")
    # Of an entry x that is doubled or gone the mean is E x, the square 2 E x², the excess kurtosis 3.
    trace = SLOPE + 2 * NOISE_TRACE
    variance = 4 * SLOPE * trace / SIZE / ROWS + 4 * trace**2 / SIZE / ROWS**2
    assert float(slope.mean()) == pytest.approx(SLOPE, abs=4 * (variance / len(slope)) ** 0.5)
    assert float(noise.mean()) == pytest.approx(trace, abs=4 * ((2 + 3 / ROWS) * trace**2 / SIZE / len(noise)) ** 0.5)


def test_rows_that_batch_normalization_ties_together_are_told() -> None:
    tied, fixed = job(mean_loss, nn.BatchNorm1d(64)), job(mean_loss, nn.BatchNorm1d(64).eval())

    assert told(tied)[0].endswith("; batch normalization ties them together, which shifts both")
    assert "normalization" not in told(fixed)[0]


def test_what_is_made_of_them_is_per_example_although_nobody_told_how_many_there_are() -> None:
    assert float(values(known(), "gns_simple")[-1]) == pytest.approx(277.8, rel=RATIO_ERROR)
    assert float(values(known(), "grad_snr")[-1]) == pytest.approx(ROWS * SLOPE / NOISE_TRACE, rel=RATIO_ERROR)
    assert told(known()) == [
        "slope and noise of the gradient are told apart by the even and the odd rows of the model's output, whose 128 "
        "rows are taken for examples: one more backward pass a reading"
    ]


def test_examples_that_were_told_keep_their_unit() -> None:
    rows, examples = job(), job(examples_per_backward=16)

    assert float(values(examples, "noise_trace")[-1]) == pytest.approx(2 * float(values(rows, "noise_trace")[-1]))
    assert examples.series("grad_sq_norm_debiased") == rows.series("grad_sq_norm_debiased")
    assert "rows are taken" not in told(examples)[0]


def test_clipping_and_scaling_are_undone() -> None:
    def scaled(scaler: torch.amp.GradScaler, limit: float) -> Act:
        def act(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
            scaler.scale(model(x).mean()).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), limit)
            scaler.step(optimizer)
            scaler.update()

        return act

    plain = job()
    other = job(scaled(torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3), 0.01))

    for key in ("noise_trace", "grad_sq_norm_debiased"):
        assert list(other.series(key)) == list(plain.series(key))
        assert values(other, key).tolist() == pytest.approx(values(plain, key).tolist(), rel=1e-3)


def test_a_step_that_used_another_gradient_gives_no_reading_and_three_end_it() -> None:
    def act(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
        model(x).mean().backward()
        for parameter in model.parameters():
            parameter.grad = 2 * parameter.grad  # type: ignore[operator]  # it was just made
        optimizer.step()

    outlet = job(act, steps=40)

    assert told(outlet) == [
        "slope and noise of the gradient are absent, as a step's batch cannot be split: the gradient that a step uses "
        "is not the one that the backward pass gave"
    ]


def test_a_job_that_begins_to_accumulate_goes_over_to_parts() -> None:
    number = iter(range(100))

    def act(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
        for part in x.chunk(1 if next(number) < 6 else 2):
            model(part).mean().backward()
        optimizer.step()

    texts = told(job(act, steps=20))

    assert "even and the odd rows" in texts[0]
    assert texts[-1] == "slope and noise of the gradient are told apart by 2 backward passes a step"


def test_a_job_that_can_be_split_no_more_is_silent_and_says_so() -> None:
    number = iter(range(100))

    def act(model: nn.Module, optimizer: Optimizer, x: Tensor) -> None:
        loss = model(x).mean()
        if next(number) > 24:
            loss = loss + 0 * model.get_parameter("weight")[:, :2].sum()
        loss.backward()
        optimizer.step()

    outlet = job(act, steps=40)

    assert list(outlet.series("noise_trace")) == list(range(2, 26))
    assert told(outlet)[1:] == [
        "slope and noise of the gradient are absent from now on, as a step's batch cannot be split: a part of the loss "
        "reaches parameters by another way than the model's output"
    ]
