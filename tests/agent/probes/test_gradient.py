"""Norms of gradients against known gradients, and counts of what is no number."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.findings import Findings
from ergoscope.hearing.clipping import Clips
from ergoscope.layers import Layers, Names
from ergoscope.probes.gradient import GradientProbe
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet


def train_on(gradients: list[list[Tensor]], *, lr: float = 0.0) -> MemoryOutlet:
    """Steps whose gradients are given, layer by layer."""
    outlet = MemoryOutlet()
    model = nn.ParameterList([nn.Parameter(torch.ones_like(g)) for g in gradients[0]])
    optimizer = SGD(model.parameters(), lr=lr)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for layers in gradients:
        for parameter, gradient in zip(model, layers, strict=True):
            parameter.grad = gradient
        optimizer.step()
    taps.detach()
    return outlet


@pytest.mark.known_answer("grad_norm")
def test_the_mean_square_over_batches_is_the_slope_plus_the_noise_over_the_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    size, batch, steps = 100, 128, 2000
    slope = torch.full((size,), (0.09 / size) ** 0.5)  # squared norm .09
    spread = (25 / size / batch) ** 0.5  # trace of the noise 25, over a batch of 128

    outlet = train_on([[slope + spread * torch.randn(size, generator=generator)] for _ in range(steps)])

    squares = torch.tensor(list(outlet.series("grad_norm").values())).double().square()
    expected = 0.09 + 25 / 128
    # A noncentral chi-square: variance 2 s^4 size + 4 s^2 slope^2 for noise of variance s^2 an entry.
    error = ((2 * spread**4 * size + 4 * spread**2 * 0.09) / steps) ** 0.5
    assert abs(float(squares.mean()) - expected) < 4 * error


def test_layers_are_exact_and_add_in_squares() -> None:
    outlet = train_on([[torch.tensor([3.0, 4.0]), torch.tensor([[12.0]])]])

    assert outlet.series("grad_norm/0") == {1: 5.0}
    assert outlet.series("grad_norm/1") == {1: 12.0}
    assert outlet.series("grad_norm") == {1: 13.0}
    assert outlet.series("nonfinite_count") == {1: 0.0}


@pytest.mark.known_answer("nonfinite_count")
def test_three_nan_and_two_infinities_read_five() -> None:
    bad = torch.tensor([1.0, float("nan"), float("nan"), float("inf"), 2.0])
    worse = torch.tensor([float("nan"), float("-inf")])

    outlet = train_on([[bad.clone().fill_(1.0), worse.clone().fill_(1.0)], [bad, worse]])

    assert outlet.series("nonfinite_count") == {1: 0.0, 2: 5.0}
    assert str(outlet.series("grad_norm")[2]) == "nan"


def test_a_loss_that_is_no_number_counts_once() -> None:
    outlet, parameter = MemoryOutlet(), nn.Parameter(torch.ones(3))
    model = nn.ParameterList([parameter])
    optimizer = SGD([parameter], lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    (parameter.sum() * float("nan")).backward()
    optimizer.step()
    taps.detach()

    assert outlet.series("nonfinite_count") == {1: 4.0}


def test_a_norm_that_only_overflows_is_taken_again_and_nothing_is_counted() -> None:
    outlet = train_on([[torch.full((4,), 1e25)]])

    assert outlet.series("grad_norm") == {1: pytest.approx(2e25, rel=1e-6)}
    assert outlet.series("nonfinite_count") == {1: 0.0}


def test_on_a_device_the_first_bad_step_is_a_lower_bound_and_the_next_are_counted() -> None:
    parameter = nn.Parameter(torch.ones(3))
    parameter.grad = torch.tensor([float("nan"), 1.0, float("inf")])
    optimizer = SGD([parameter], lr=0.1)
    probe = GradientProbe(Clips([optimizer]))
    moment = Layers(optimizer, Names({}), series=0).moment()
    assert moment is not None

    counts = []
    for _ in range(2):  # as the device's way does it, on the CPU
        slot = probe._counted(moment.grads)
        findings = Findings(1, {})
        probe._read_device(moment.layout, None, [float("nan"), slot.item()], findings)
        counts.append(findings.scalars["nonfinite_count"])

    assert counts == [1.0, 2.0]
