"""diffGrad's factor against differences of gradients whose distribution is known."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

NORMAL = 0.6748  # mean of 1 / (1 + exp(-|z|)) over the normal distribution


def follow(gradients: dict[int, list[Tensor]], *, last: int) -> MemoryOutlet:
    """Step with the gradients given for some steps, and with zeros at the others."""
    outlet = MemoryOutlet()
    nothing = [torch.zeros_like(g) for g in next(iter(gradients.values()))]
    model = nn.ParameterList([nn.Parameter(torch.zeros(g.shape)) for g in nothing])
    optimizer = SGD(model.parameters(), lr=0.0)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=14)
    for number in range(15, last + 1):
        for parameter, gradient in zip(model, gradients.get(number, nothing), strict=True):
            parameter.grad = gradient
        optimizer.step()
    taps.detach()
    return outlet


@pytest.mark.known_answer("friction")
def test_normal_differences_have_their_mean_factor() -> None:
    torch.manual_seed(0)
    shapes = ((1024, 1024), (3, 500))  # 10,486 entries of the first are looked at, all of the second
    pairs = {step: [0.5**0.5 * torch.randn(s) for s in shapes] for at in (16, 32, 48, 64) for step in (at, at + 1)}

    outlet = follow(pairs, last=65)

    large, small, whole = (outlet.series(key) for key in ("friction/0", "friction/1", "friction"))
    assert list(large) == list(small) == list(whole) == [17, 33, 49, 65]
    # Factors lie in [1/2, 1]: their standard deviation is at most 1/4, over the root of their number.
    assert sum(large.values()) / 4 == pytest.approx(NORMAL, abs=4 * 0.25 / (4 * 10_486) ** 0.5)
    assert sum(small.values()) / 4 == pytest.approx(NORMAL, abs=4 * 0.25 / (4 * 1500) ** 0.5)
    assert sum(whole.values()) / 4 == pytest.approx(NORMAL, abs=4 * 0.25 / (4 * 11_986) ** 0.5)


def test_gradients_that_stay_are_halved_and_such_that_jump_are_left() -> None:
    steady, jumping = torch.full((10,), 3.0), torch.full((30,), 100.0)

    outlet = follow({16: [steady, jumping], 17: [steady, -jumping]}, last=17)

    assert outlet.series("friction/0") == {17: 0.5}
    assert outlet.series("friction/1") == {17: 1.0}
    assert outlet.series("friction") == {17: (10 * 0.5 + 30 * 1.0) / 40}


def test_only_the_step_before_counts() -> None:
    outlet = follow({16: [torch.ones(4)], 32: [torch.ones(4)], 33: [torch.ones(4)]}, last=33)

    assert list(outlet.series("friction")) == [17, 33]  # 32 is sixteen steps from the sample before it


def test_a_gradient_that_lies_otherwise_in_memory_is_not_compared() -> None:
    image = torch.randn(1, 2, 3, 4)

    outlet = follow({16: [image], 17: [image.to(memory_format=torch.channels_last)]}, last=17)

    assert outlet.series("friction") == {}


def test_sparse_gradients_have_none() -> None:
    outlet, model = MemoryOutlet(), nn.Embedding(4, 2, sparse=True)
    optimizer = SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=15)

    for _ in range(2):
        optimizer.zero_grad()
        model(torch.tensor([1])).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("friction") == {}
    assert outlet.events("agent") == []
