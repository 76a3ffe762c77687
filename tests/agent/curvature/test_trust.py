"""Trust ratios and batch sharpness, by losses alone and by products."""

import math

import numpy as np
import pytest
import torch

from ergoscope.curvature.directional import rayleigh
from ergoscope.curvature.live import live_products
from ergoscope.curvature.trust import batch_sharpness, trust_ratio


@pytest.mark.parametrize(("curvature", "ratio"), [(0.0, 1.0), (1.0, 0.5), (2.0, 0.0), (4.0, -1.0)])
def test_on_a_quadratic_it_falls_from_one_to_zero_at_two_over_the_rate(curvature: float, ratio: float) -> None:
    # F = s·w + ½hw² with slope 1 at w = 0; a step of −1.
    found = trust_ratio(before=3.0, after=3.0 - 1.0 + 0.5 * curvature, slope=-1.0)

    assert found == pytest.approx(ratio, abs=1e-12)


def test_a_promise_within_the_rounding_of_the_loss_is_not_looked_at() -> None:
    assert math.isnan(trust_ratio(before=2.0, after=2.0, slope=-1e-7))
    assert math.isnan(trust_ratio(before=0.0, after=0.0, slope=0.0))
    assert trust_ratio(before=2.0, after=1.9, slope=-1e-8, rounding=0.0) == pytest.approx(1e7)


def _problem() -> tuple[torch.Tensor, torch.Tensor, torch.nn.Sequential]:
    generator = torch.Generator().manual_seed(1)
    inputs, one, two = (torch.randn(*s, generator=generator).double() for s in ((256, 6), (6, 3), (3, 1)))
    targets = torch.tanh(inputs @ one) @ two + 0.5 * torch.sin(3 * inputs[:, :1])
    net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.4 * torch.randn(p.shape, generator=generator).double())
    return inputs, targets, net


def test_on_a_net_of_tanh_losses_alone_give_the_batch_sharpness_of_products() -> None:
    inputs, targets, net = _problem()
    rate, generator = 0.1, torch.Generator().manual_seed(0)
    weights = list(net.parameters())
    ratios, curvatures = [], []
    for step in range(400):
        batch = torch.randint(256, (16,), generator=generator)

        def loss(batch: torch.Tensor = batch) -> torch.Tensor:
            return 0.5 * (net(inputs[batch]) - targets[batch]).square().mean()

        before = loss()
        if step >= 200:
            with live_products(before, weights) as hessian:
                gradient = hessian.gradient
                curvatures.append(float(rayleigh(hessian, gradient)))
        found = torch.autograd.grad(loss(), weights)
        with torch.no_grad():
            for w, g in zip(weights, found, strict=True):
                w.sub_(rate * g)
            if step >= 200:
                ratios.append(trust_ratio(float(before), float(loss()), float(-rate * gradient @ gradient)))

    sharpness, error = batch_sharpness(ratios, rate)

    each = 2 / rate * (1 - np.array(ratios))
    # Left out is η‖g‖ times a third of the third derivative along g: of either sign, and small beside the curvature.
    assert np.corrcoef(each, curvatures)[0, 1] > 0.99
    assert sharpness == pytest.approx(np.mean(curvatures), rel=0.01)
    assert 0 < error < 0.2 * sharpness


def test_one_example_a_batch_of_orthogonal_features_has_its_squared_length() -> None:
    # a_i = √3 e_i: g = 3 w_i e_i, so the loss 1.5 w_i² falls by the factor (1 − 3η)² and BS is 3 = tr H for every i.
    rate, weight = 0.1, 0.7
    ratio = trust_ratio(1.5 * weight**2, 1.5 * (0.7 * weight) ** 2, slope=-rate * (3 * weight) ** 2)

    sharpness, _ = batch_sharpness([ratio], rate)

    assert sharpness == pytest.approx(3.0, rel=1e-12)


def test_what_is_not_finite_is_left_out_and_nothing_is_no_number() -> None:
    assert batch_sharpness([0.5, math.nan, math.inf], rate=1.0)[0] == 1.0
    assert all(math.isnan(x) for x in batch_sharpness([], rate=1.0))


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rate is 0\.0; it must be above 0"):
        batch_sharpness([1.0], rate=0.0)
