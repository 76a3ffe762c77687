"""Backward passes that go wrong while the agent hears them."""

import pytest
import torch
from torch import Tensor

from tests.agent.jobs import flat_loss, plain
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.test_taps import watched_mlp


class Failing(torch.autograd.Function):
    """A backward pass that fails half way."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, *grads: Tensor) -> Tensor:
        raise OSError("the user's own")


def test_a_backward_pass_that_fails_leaves_no_hook_and_its_step_no_noise() -> None:
    outlet = MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet)
    step = plain(model, optimizer)

    for number in range(40):
        if number == 20:  # the next step's noise is due
            with pytest.raises(OSError, match="the user's own"):
                (flat_loss(model) + Failing.apply(model[0].weight).sum()).backward()
            assert all(p._backward_hooks is None for p in model.parameters())
        flat_loss(model).backward()
        step(number)  # without the pass before, as it zeroes first
    taps.detach()

    assert outlet.events("agent")[0].data["quantities"]
    assert [e for e in outlet.events("agent") if "off" in e.data] == []


def test_hooks_on_gradients_go_even_when_the_agent_switches_off_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    outlet = MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet)
    step = plain(model, optimizer)

    def fail(*args: object, **kwargs: object) -> Tensor:
        raise MemoryError("no room")

    for number in range(4):
        step(number)
    with monkeypatch.context() as patch:
        patch.setattr(torch.linalg, "vector_norm", fail)
        optimizer.zero_grad()
        flat_loss(model).backward()  # of the step whose noise is due
    optimizer.step()

    assert not taps.alive
    assert not any(p._backward_hooks for p in model.parameters())
    taps.detach()
