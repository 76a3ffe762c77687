"""Slope and noise of a gradient whose slope and noise are known."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

SLOPE, NOISE, PARTS, EXAMPLES, READINGS = 0.09, 25.0, 8, 16, 400  # squared slope; trace of one example's covariance
SIZE = 1278
BATCH = PARTS * EXAMPLES
TRUTH = {"grad_noise_norm": (NOISE / BATCH) ** 0.5, "gns_simple": NOISE / SLOPE, "grad_snr": BATCH * SLOPE / NOISE}
KEYS = ("grad_sq_norm_debiased", "noise_trace", *TRUTH)


def batches(size: int = SIZE, examples: int = EXAMPLES, seed: int = 0) -> Callable[[], Tensor]:
    """Gradients with squared slope .09 and noise 25 over `examples`, alike in all directions."""
    generator = torch.Generator().manual_seed(seed)
    slope, spread = (SLOPE / size) ** 0.5, (NOISE / size / examples) ** 0.5
    return lambda: slope + spread * torch.randn(size, generator=generator)


def is_read(step: int) -> bool:
    return step % 16 == 5  # the noise's period and phase


@cache
def accumulated(divide: int = PARTS, examples: int | None = EXAMPLES, limit: float = 0.0) -> MemoryOutlet:
    """Steps of 8 backward passes; the loss is linear in the weights, so any gradient can be had."""
    outlet, weight, draw = MemoryOutlet(), nn.Parameter(torch.zeros(SIZE)), batches()
    optimizer = SGD([weight], lr=0.0)
    model = nn.ParameterList([weight])
    taps = attach(model, optimizer, outlet, examples_per_backward=examples, clock=lambda: 0.0)
    for step in range(1, 16 * READINGS + 1):
        if is_read(step):
            optimizer.zero_grad()
            for _ in range(PARTS):
                ((weight * draw()).sum() / divide).backward()
            if limit:
                nn.utils.clip_grad_norm_([weight], limit)
        optimizer.step()
    taps.detach()
    return outlet


def values(outlet: MemoryOutlet, key: str) -> Tensor:
    return torch.tensor(list(outlet.series(key).values()), dtype=torch.float64)


def last(outlet: MemoryOutlet, key: str) -> float:
    return list(outlet.series(key).values())[-1]


# McCandlish et al. (2018), for Σ alike in all directions: the variances of one reading,
# 4 G'ΣG / B + 2 tr(Σ²) / (b² m (m - 1)) of the squared slope, 2 (tr Σ)² / (size (m - 1)) of the noise.
SLOPE_VARIANCE = 4 * SLOPE * NOISE / SIZE / BATCH + 2 * NOISE**2 / SIZE / (EXAMPLES**2 * PARTS * (PARTS - 1))
NOISE_VARIANCE = 2 * NOISE**2 / (SIZE * (PARTS - 1))
# What is smoothed averages (1 + .99) / (1 - .99) = 199 readings.
SLOPE_ERROR, NOISE_ERROR = ((v / 199) ** 0.5 for v in (SLOPE_VARIANCE, NOISE_VARIANCE))
RATIO_ERROR = 4 * ((SLOPE_ERROR / SLOPE) ** 2 + (NOISE_ERROR / NOISE) ** 2) ** 0.5


@pytest.mark.known_answer("grad_sq_norm_debiased")
def test_the_squared_slope_is_read_without_the_noise_and_scatters_as_theory_says() -> None:
    read = values(accumulated(), "grad_sq_norm_debiased")

    assert len(read) == READINGS
    assert float(read.mean()) == pytest.approx(SLOPE, abs=4 * (SLOPE_VARIANCE / READINGS) ** 0.5)
    # .0111 in all; a standard deviation of n readings is known to 1 / sqrt(2 n).
    assert float(read.std()) == pytest.approx(SLOPE_VARIANCE**0.5, rel=4 / (2 * READINGS) ** 0.5)


@pytest.mark.known_answer("noise_trace")
def test_the_noise_is_read_per_example() -> None:
    read = values(accumulated(), "noise_trace")

    assert float(read.mean()) == pytest.approx(NOISE, abs=4 * (NOISE_VARIANCE / READINGS) ** 0.5)


@pytest.mark.known_answer("grad_noise_norm")
def test_the_random_part_of_a_step_is_the_root_of_the_noise_over_the_batch() -> None:
    # .442; a root has half the relative error.
    assert last(accumulated(), "grad_noise_norm") == pytest.approx((25 / 128) ** 0.5, rel=2 * NOISE_ERROR / NOISE)


@pytest.mark.known_answer("gns_simple")
def test_the_noise_scale_is_the_noise_over_the_squared_slope() -> None:
    assert last(accumulated(), "gns_simple") == pytest.approx(277.8, rel=RATIO_ERROR)


@pytest.mark.known_answer("grad_snr")
def test_signal_to_noise_is_the_batch_over_the_noise_scale() -> None:
    assert last(accumulated(), "grad_snr") == pytest.approx(128 * 0.09 / 25, rel=RATIO_ERROR)


def test_without_a_batch_size_the_unit_is_a_backward_pass() -> None:
    known, unknown = accumulated(), accumulated(examples=None)

    assert last(unknown, "noise_trace") == pytest.approx(last(known, "noise_trace") / EXAMPLES)
    assert last(unknown, "gns_simple") == pytest.approx(last(known, "gns_simple") / EXAMPLES)
    for key in ("grad_sq_norm_debiased", "grad_noise_norm", "grad_snr"):
        assert unknown.series(key) == known.series(key)


def test_losses_that_are_not_divided_read_the_slope_of_the_sum_and_the_same_ratios() -> None:
    divided, summed = accumulated(), accumulated(divide=1)

    assert last(summed, "grad_sq_norm_debiased") == pytest.approx(64 * last(divided, "grad_sq_norm_debiased"), rel=1e-4)
    assert last(summed, "grad_snr") == pytest.approx(last(divided, "grad_snr"), rel=1e-5)
    assert last(summed, "gns_simple") == pytest.approx(last(divided, "gns_simple"), rel=1e-5)


def test_clipping_is_undone_first() -> None:
    free, clipped = accumulated(), accumulated(limit=0.1)

    assert max(clipped.series("grad_norm_clipped").values()) < 0.11
    for key in KEYS:
        assert last(clipped, key) == pytest.approx(last(free, key), rel=1e-4)


def test_how_the_numbers_were_made_is_said_once() -> None:
    assert [e.text for e in accumulated().events("agent") if "noise_trace" in str(e.data)] == [
        "slope and noise of the gradient are told apart by 8 backward passes a step"
    ]


Loss = Callable[[nn.Parameter], Tensor]


def steps(
    count: int, act: Callable[[nn.Parameter, torch.optim.Optimizer], None], *, size: int = 64, **options: int
) -> MemoryOutlet:
    outlet, weight = MemoryOutlet(), nn.Parameter(torch.zeros(size))
    optimizer = SGD([weight], lr=0.0)
    taps = attach(nn.ParameterList([weight]), optimizer, outlet, clock=lambda: 0.0, **options)
    for _ in range(count):
        optimizer.zero_grad()
        act(weight, optimizer)
    taps.detach()
    return outlet


def test_one_part_a_step_of_a_model_that_is_not_seen_is_told_to_be_no_measurement() -> None:
    def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        weight.sum().backward()
        optimizer.step()

    outlet = steps(400, act)

    assert outlet.series("noise_trace") == {}
    assert [(e.text, e.data["absent"]) for e in outlet.events("agent") if "noise_trace" in str(e.data)] == [
        (
            "slope and noise of the gradient are absent, as a step's batch cannot be split: the forward pass of the "
            "watched model was not seen",
            True,
        )
    ]


def test_a_scaled_loss_reads_as_the_unscaled_one() -> None:
    def job(scaler: torch.amp.GradScaler) -> MemoryOutlet:
        draw = batches(64)

        def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
            for _ in range(4):
                scaler.scale((weight * draw()).sum() / 4).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_([weight], 0.01)
            scaler.step(optimizer)
            scaler.update()

        return steps(40, act)

    scaled = job(torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3))
    plain = job(torch.amp.GradScaler("cpu", enabled=False))

    assert len(scaled.series("noise_trace")) > 1
    for key in ("noise_trace", "grad_sq_norm_debiased"):
        for step, value in plain.series(key).items():
            assert scaled.series(key)[step] == pytest.approx(value, rel=1e-3, abs=1e-4)


def test_a_loss_that_was_changed_after_it_was_scaled_gives_no_parts() -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    draw = batches(64)

    def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(2):
            (scaler.scale((weight * draw()).sum()) / 2).backward()
        scaler.step(optimizer)
        scaler.update()

    assert steps(40, act).series("noise_trace") == {}


def test_a_step_of_one_part_among_steps_of_several_is_left_out() -> None:
    draw, number = batches(64), iter(range(1, 1000))

    def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(1 if next(number) == 21 else 2):
            (weight * draw()).sum().backward()
        optimizer.step()

    assert list(steps(40, act).series("noise_trace")) == [5, 37]


def test_the_noise_scale_waits_until_the_slope_is_clear_of_zero() -> None:
    generator = torch.Generator().manual_seed(0)

    def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(2):
            (weight * torch.randn(64, generator=generator)).sum().backward()
        optimizer.step()

    outlet = steps(80, act)

    assert len(outlet.series("grad_snr")) == 5
    assert outlet.series("gns_simple") == {}


def test_a_gradient_without_noise_is_all_signal() -> None:
    def act(weight: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(2):
            weight.sum().backward()
        optimizer.step()

    outlet = steps(40, act, size=4)

    assert list(outlet.series("grad_sq_norm_debiased").values()) == pytest.approx([16.0] * 3)
    assert list(outlet.series("noise_trace").values()) == pytest.approx([0.0] * 3, abs=1e-12)
    assert list(outlet.series("gns_simple").values()) == pytest.approx([0.0, 0.0], abs=1e-12)  # from the second on
    assert all(ratio > 1e12 for ratio in outlet.series("grad_snr").values())


def test_parameters_that_got_their_gradient_otherwise_make_it_absent() -> None:
    outlet, pair = MemoryOutlet(), nn.ParameterList([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))])
    optimizer = SGD(pair.parameters(), lr=0.0)
    taps = attach(pair, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(6):
        optimizer.zero_grad()
        for _ in range(2):
            pair[0].sum().backward()
        pair[1].grad = torch.ones(2)
        optimizer.step()
    taps.detach()

    assert outlet.series("noise_trace") == {}


def test_two_optimizers_add_up() -> None:
    outlet, draw = MemoryOutlet(), batches(64)
    pair = nn.ParameterList([nn.Parameter(torch.zeros(64)), nn.Parameter(torch.zeros(64))])
    both = [SGD([p], lr=0.0) for p in pair]
    taps = attach(pair, both, outlet, clock=lambda: 0.0)
    whole, parts = 0.0, 0.0

    for step in range(1, 7):
        for optimizer in both:
            optimizer.zero_grad()
        drawn = [[draw(), draw()] for _ in pair]
        for k in range(2):
            (pair[0] * drawn[0][k] + pair[1] * drawn[1][k]).sum().backward()
        if step == 5:
            whole = sum(float((a + b).double().square().sum()) for a, b in drawn)
            parts = sum(float(g.double().square().sum()) for pieces in drawn for g in pieces)
        for optimizer in both:
            optimizer.step()
    taps.detach()

    assert outlet.series("grad_sq_norm_debiased") == {5: pytest.approx(2 * (whole - parts), rel=1e-4)}
    assert outlet.series("noise_trace") == {5: pytest.approx(2 * (2 * parts - whole), rel=1e-4)}
    assert outlet.series("grad_noise_norm") == {5: pytest.approx((2 * parts - whole) ** 0.5, rel=1e-4)}
