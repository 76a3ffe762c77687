"""Successive gradients against processes that are known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.numerics.sketch import BUCKETS
from ergoscope.taps import attach
from tests.agent.given import SIZE, STEPS, last, noise, readings, train_on
from tests.agent.memory_outlet import MemoryOutlet


@pytest.mark.known_answer("cos_grad_lag1")
def test_gradients_at_rest_in_a_valley_agree_by_minus_half_the_rate_times_the_curvature() -> None:
    copies, rate = SIZE // 3, 0.2
    curvature, variance = torch.tensor([4.0, 1.0, 0.25]), torch.tensor([1.0, 0.5, 2.0])
    generator, outlet = torch.Generator().manual_seed(0), MemoryOutlet()
    at_rest = (rate * variance / (curvature * (2 - rate * curvature))).sqrt()
    parameter = nn.Parameter(at_rest * torch.randn(copies, 3, generator=generator))
    optimizer = SGD([parameter], lr=rate)
    taps = attach(nn.ParameterList([parameter]), optimizer, outlet, clock=lambda: 0.0)

    for _ in range(STEPS):
        shaking = variance.sqrt() * torch.randn(copies, 3, generator=generator)
        parameter.grad = curvature * parameter.detach() + shaking
        optimizer.step()
    taps.detach()

    # E g_t·g_(t-1) = -Σ ηhc/(2-ηh), E‖g‖² = Σ 2c/(2-ηh), so the ratio is -η/2 times the mean curvature.
    expected = -0.18100
    # Of one pair (1-ρ²)/√k for the sketch, and the like for the 6,000 entries, whose unequal spread makes them 5,000.
    error = (1 - expected**2) * (1 / BUCKETS + 1 / 5000) ** 0.5 / readings(0.99, STEPS // 8) ** 0.5
    assert abs(last(outlet, "cos_grad_lag1") - expected) < 4 * error


def steady(before: Tensor, fresh: Tensor) -> Tensor:
    return before


def alternating(before: Tensor, fresh: Tensor) -> Tensor:
    return -before


def independent(before: Tensor, fresh: Tensor) -> Tensor:
    return fresh


def half_alike(before: Tensor, fresh: Tensor) -> Tensor:
    return 0.5 * before + 0.75**0.5 * fresh


@pytest.mark.known_answer("grad_change")
@pytest.mark.parametrize(("follow", "rho"), [(steady, 1.0), (alternating, -1.0), (independent, 0.0), (half_alike, 0.5)])
def test_the_change_of_one_step_is_the_root_of_twice_what_is_missing_to_agreement(
    follow: Callable[[Tensor, Tensor], Tensor], rho: float
) -> None:
    gradients = [torch.randn(SIZE, generator=torch.Generator().manual_seed(0))]
    for fresh in noise(SIZE, steps=STEPS - 1, seed=1):
        gradients.append(follow(gradients[-1], fresh))

    changes = np.array(list(train_on(gradients, torch.ones(SIZE)).series("grad_change").values()))

    expected = (2 * (1 - rho)) ** 0.5  # 0, 2, √2, 1
    # c² = 2(1-r), and the sketch leaves r an error of (1-ρ²)/√k, the entries one of (1-ρ²)/√size.
    spread = (1 + rho) * (1 - rho) ** 0.5 / 2**0.5 * (1 / BUCKETS + 1 / SIZE) ** 0.5  # .024 for noise
    assert len(changes) == 100
    assert abs(changes.mean() - expected) <= 4 * spread / 10 + 1e-3 * expected  # the bend of the root is below 1e-3
    assert abs(changes.std() - spread) < 4 * spread / 200**0.5 + 1e-6


@pytest.mark.known_answer("pred_residual")
@pytest.mark.parametrize(
    ("slope", "spread", "ahead", "within"), [(0.0, 1.0, 1.0526, 0.8526), (1.0, 2.0, 4.2105, 3.4105)]
)
def test_what_the_past_does_not_tell_of_noise_is_its_own_size_and_a_little(
    slope: float, spread: float, ahead: float, within: float
) -> None:
    size = 1000  # fewer than buckets: the sketch is exact, and so is the share of the slope

    outlet = train_on((slope + spread * e for e in noise(size)), torch.ones(size))

    # E(g - m)² = σ²(1 + κ), κ = (1-β)/(1+β), with the mean before this step; AdaBelief's mean holds g_t with weight
    # 1-β, so that g - m' = β(g - m): β² of it. The catalogue's quantity is the first over E g².
    square = slope**2 + spread**2
    found = last(outlet, "pred_residual") * square
    # Of one reading the largest errors: 2 g·m and 2 e·slope, both over the size.
    error = (4 * 0.0526 * spread**4 + 4 * slope**2 * spread**2) ** 0.5 / size**0.5 / readings(0.99, STEPS // 4) ** 0.5
    assert abs(found - ahead) < 4 * error + 0.001 * ahead
    assert abs(0.9**2 * found - within) < 4 * error + 0.001 * within


def test_a_steady_gradient_is_predicted_and_an_alternating_one_is_worse_than_noise() -> None:
    one = torch.randn(5000, generator=torch.Generator().manual_seed(0))

    still = train_on([one] * 200, torch.ones(5000))
    swinging = train_on([one * (-1) ** step for step in range(800)], torch.ones(5000))

    assert abs(last(still, "pred_residual")) < 1e-10
    assert last(swinging, "pred_residual") > 1.1


@pytest.mark.filterwarnings("error")
def test_one_bad_gradient_spoils_one_reading_only() -> None:
    gradients = [g * float("nan") if step == 160 else g for step, g in enumerate(noise(3000, steps=400), start=1)]

    outlet = train_on(gradients, torch.ones(3000))

    assert np.isnan(outlet.series("grad_change")[161])
    assert np.isfinite(list(outlet.series("cos_grad_lag1").values())).all()
    assert np.isfinite(list(outlet.series("pred_residual").values())).all()


def test_a_model_of_sparse_gradients_alone_has_none_of_these() -> None:
    outlet, model = MemoryOutlet(), nn.Embedding(20, 4, sparse=True)
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(20):
        optimizer.zero_grad()
        model(torch.tensor([1, 2])).sum().backward()
        optimizer.step()
    assert taps.alive
    taps.detach()

    assert outlet.series("cos_grad_lag1") == {}
    assert list(outlet.series("cos_update_lag1")) == [18]
