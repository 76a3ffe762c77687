"""Where a step goes along the gradient, and the curvature that it then tells."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import SGD, Adam, Optimizer

from ergoscope.probes.trial.along import curvature_along, squares, steps_along, turned
from tests.agent.probes.trial.batches import train


def weights(count: int = 2) -> list[Tensor]:
    return [nn.Parameter(torch.ones(3)) for _ in range(count)]


@pytest.mark.parametrize(
    ("optimizers", "along"),
    [
        (lambda: [SGD(weights(), lr=0.1)], True),
        (lambda: [SGD(weights(), lr=torch.tensor(0.1))], True),
        (lambda: [SGD(weights(), lr=0.1, momentum=0.9)], False),
        (lambda: [SGD(weights(), lr=0.1, weight_decay=0.01)], False),
        (lambda: [SGD(weights(), lr=0.1, maximize=True)], False),
        (lambda: [Adam(weights(), lr=0.1)], False),
        (lambda: [SGD(weights(), lr=0.1), SGD(weights(), lr=0.1)], False),
        (lambda: [SGD([{"params": weights()}, {"params": weights()}], lr=0.1)], True),
        (lambda: [SGD([{"params": weights()}, {"params": weights(), "lr": 0.2}], lr=0.1)], False),
    ],
)
def test_one_plain_sgd_of_one_rate_steps_along_the_gradient(
    optimizers: Callable[[], list[Optimizer]], along: bool
) -> None:
    assert steps_along(optimizers()) is along


def test_what_is_longer_is_not_turned_and_what_points_elsewhere_is() -> None:
    gradient = [torch.tensor([3.0, 4.0])]

    assert float(turned(*squares(gradient, [0.1 * gradient[0]]))) == pytest.approx(0.0, abs=1e-14)  # fp32 rounds 0.1·g
    assert float(turned(*squares(gradient, [torch.tensor([3.0, 0.0])]))) == pytest.approx(0.64)


def test_a_step_that_promises_too_little_to_be_resolved_has_no_curvature() -> None:
    assert math.isnan(curvature_along(1.0, 0.0, -0.9e-5, square=1.0, turn=0.0))
    assert curvature_along(1.0, 0.0, -1.1e-5, square=1.0, turn=0.0) > 0
    assert math.isnan(curvature_along(0.0, 0.0, 0.0, square=1.0, turn=0.0))
    assert math.isnan(curvature_along(1.0, 0.0, -1.0, square=1.0, turn=math.nan))


@pytest.mark.parametrize(("limit", "by_norm", "known"), [(0.01, True, True), (0.01, False, False), (1e9, False, True)])
def test_of_a_clipped_gradient_it_is_known_as_long_as_that_points_the_same_way(
    limit: float, by_norm: bool, known: bool
) -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 1, bias=False).double()
    inputs, targets = torch.randn(16, 3).double(), torch.randn(16, 1).double()
    slope = 2 * (model(inputs) - targets).detach().T @ inputs / 16
    expected = float(slope @ (2 * inputs.T @ inputs / 16) @ slope.T / slope.square().sum())

    optimizer = SGD(model.parameters(), lr=0.1)
    clip = nn.utils.clip_grad_norm_ if by_norm else nn.utils.clip_grad_value_

    outlet = train(
        model,
        optimizer,
        lambda: F.mse_loss(model(inputs), targets),
        steps=1,
        between=lambda: clip(model.parameters(), limit),
    )

    found = list(outlet.series("batch_sharpness").values())
    assert found == ([pytest.approx(expected, rel=1e-6)] if known else [])
