"""The first layer's gradient and the size of its input, as they come out of a watched job."""

import math
import statistics

import pytest
import torch
from torch import Tensor, nn

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

PERIOD = 8


def coupled(seed: int, steps: int, *, scale: bool = True) -> MemoryOutlet:
    """A linear layer on inputs c_t * noise, with an upstream gradient that is independent of them."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Linear(64, 32, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    outlet = MemoryOutlet()
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(steps):
        c = math.exp(0.5 * float(torch.randn((), generator=generator))) if scale else 1.0
        x = c * torch.randn(16, 64, generator=generator)
        upstream = torch.randn(16, 32, generator=generator)
        optimizer.zero_grad()
        (model(x) * upstream).sum().backward()
        optimizer.step()
    taps.detach()
    return outlet


@pytest.fixture(scope="module")
def repeated() -> list[tuple[float, float]]:
    """Last slope and its error in 30 independent jobs of 64 sampled steps."""
    found = []
    for seed in range(30):
        outlet = coupled(seed, 64 * PERIOD)
        slopes, errors = outlet.series("first_layer_coupling"), outlet.series("first_layer_coupling_se")
        found.append((slopes[64 * PERIOD], errors[64 * PERIOD]))
    return found


@pytest.mark.known_answer("first_layer_coupling")
def test_a_gradient_that_is_proportional_to_the_input_has_slope_one(repeated: list[tuple[float, float]]) -> None:
    slopes = [slope for slope, _ in repeated]

    error = statistics.stdev(slopes) / len(slopes) ** 0.5
    assert statistics.mean(slopes) == pytest.approx(1.0, abs=4 * error)
    assert error < 0.01


@pytest.mark.known_answer("first_layer_coupling_se")
def test_the_error_says_how_the_slope_varies_between_jobs(repeated: list[tuple[float, float]]) -> None:
    variance = statistics.variance([slope for slope, _ in repeated])
    said = statistics.mean([error**2 for _, error in repeated])

    # A variance of n independent values has a relative error of sqrt(2 / (n - 1)); the errors' own is smaller.
    assert said / variance == pytest.approx(1.0, abs=4 * (2 / (len(repeated) - 1)) ** 0.5)


@pytest.mark.known_answer("input_rms", "input_contrast", "first_layer_share")
def test_size_contrast_and_share_of_known_numbers() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        model[1].weight.fill_(3.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    outlet = MemoryOutlet()
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(PERIOD):
        optimizer.zero_grad()
        model(torch.tensor([[4.0, 2.0], [4.0, 2.0]])).mean().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("input_rms")[PERIOD] == pytest.approx(math.sqrt(10))  # (16 + 4) / 2
    assert outlet.series("input_contrast")[PERIOD] == pytest.approx(1.0)  # of 4 and 2
    first, last = math.hypot(12.0, 6.0), 4.0  # 3 x and w x
    assert outlet.series("first_layer_share")[PERIOD] == pytest.approx(first / math.hypot(first, last))


def test_inputs_without_spread_have_no_slope() -> None:
    outlet = coupled(0, 32 * PERIOD, scale=False)

    spread = statistics.stdev(2 * math.log(v) for v in outlet.series("input_rms").values())
    assert 0.02 < spread < 0.06  # 1,024 Gaussian numbers: sqrt(2 / 1024) = .044, so a slope is given here
    assert outlet.series("first_layer_coupling")

    even = MemoryOutlet()
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, even, clock=lambda: 0.0)
    for _ in range(32 * PERIOD):
        model(torch.ones(2, 4)).sum().backward()
        optimizer.step()
    taps.detach()
    assert even.series("input_rms")
    assert even.series("first_layer_coupling") == {}


def test_an_embedding_as_first_layer_has_no_size() -> None:
    outlet = MemoryOutlet()
    model = nn.Sequential(nn.Embedding(4, 8), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    for _ in range(4 * PERIOD):
        loss: Tensor = model(torch.randint(0, 4, (3,))).sum()
        loss.backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("input_rms") == {}


def test_the_share_is_of_the_gradient_of_all_optimizers_whoever_moves_the_first_layer() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0]]))
        model[1].weight.fill_(3.0)
    optimizers = [torch.optim.SGD(model[i].parameters(), lr=0.0) for i in (1, 0)]
    outlet = MemoryOutlet()
    taps = attach(model, optimizers, outlet, clock=lambda: 0.0)
    for _ in range(PERIOD + 1):
        model.zero_grad()
        model(torch.tensor([[4.0, 2.0]])).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    taps.detach()

    first, last = math.hypot(12.0, 6.0), 4.0
    assert outlet.series("first_layer_share")[PERIOD] == pytest.approx(first / math.hypot(first, last))
