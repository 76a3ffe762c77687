"""One optimizer: wrappers around it, gradients it overwrites, closures, and what came out before the step."""

import weakref

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from ergoscope.taps import attach
from ergoscope.watched import Watched, innermost
from tests.agent.jobs import flat_loss, mlp, plain
from tests.agent.memory_outlet import MemoryOutlet


class Wrapper(Optimizer):
    """Passes calls on, as launchers' optimizers do, without torch's own set-up."""

    def __init__(self, optimizer: object) -> None:
        self.optimizer = optimizer


def norm_of_gradients(model: nn.Module) -> float:
    return sum(float(p.grad.double().square().sum()) for p in model.parameters() if p.grad is not None) ** 0.5


def test_the_optimizer_inside_wrappers_is_the_one_watched() -> None:
    inner = torch.optim.SGD(mlp().parameters(), lr=0.1)

    assert innermost(Wrapper(Wrapper(inner))) is inner


def test_a_wrapper_around_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="Wrapper has no step hooks and wraps no optimizer that has; give the torch"):
        innermost(Wrapper(None))


def test_gradients_that_the_step_overwrites_are_read_before_it() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, foreach=True)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    true = {}

    for number in range(1, 5):
        optimizer.zero_grad()
        flat_loss(model).backward()
        true[number] = norm_of_gradients(model)
        optimizer.step()
    taps.detach()

    assert norm_of_gradients(model) != pytest.approx(true[4], rel=1e-3)  # the trap is there
    assert outlet.series("grad_norm") == {n: pytest.approx(true[n], rel=1e-6) for n in (2, 3, 4)}
    assert outlet.histograms("grad_hist/0.bias")


def test_gradients_made_inside_the_step_are_those_of_that_step() -> None:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    losses, norms = {}, {}

    for number in range(1, 4):

        def closure(number: int = number) -> Tensor:
            optimizer.zero_grad()
            loss = flat_loss(model)
            loss.backward()
            losses[number] = loss.item()
            norms[number] = norm_of_gradients(model)
            return loss

        optimizer.step(closure)
    taps.detach()

    assert outlet.series("loss") == losses
    assert outlet.series("grad_norm") == {n: pytest.approx(v, rel=1e-6) for n, v in norms.items()}


class Operations(TorchDispatchMode):
    """Writes down what torch runs; a detached view runs nothing on a device."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # as torch has it
        if func is not torch.ops.aten.detach.default:
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def operations_while_recording(monkeypatch: pytest.MonkeyPatch, *, watched: bool) -> list[str]:
    outlet, model = MemoryOutlet(), mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, curvature="model", clock=lambda: 0.0) if watched else None
    for step in range(1, 5):
        with monkeypatch.context() as patch, Operations() as seen:
            # What torch says where a CUDA graph is recorded; here there is none to record.
            patch.setattr(Watched, "capturing", lambda _: step > 2)  # noqa: B023  # called within the loop's body only
            optimizer.zero_grad()
            flat_loss(model).backward()
            optimizer.step()
    if taps is not None:
        assert taps.alive
        taps.detach()
    return seen.names


def test_while_a_cuda_graph_is_recorded_a_step_runs_what_it_runs_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = operations_while_recording(monkeypatch, watched=False)

    assert operations_while_recording(monkeypatch, watched=True) == plain
    assert len(plain) > 10


def test_frozen_parameters_have_a_weight_norm_and_nothing_else() -> None:
    outlet, model = MemoryOutlet(), mlp()
    model[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    plain(model, optimizer)(0)
    taps.detach()

    assert outlet.series("weight_norm/0.weight")
    assert outlet.series("grad_norm/0.bias")
    assert not outlet.series("grad_norm/0.weight")
    assert not outlet.series("update_ratio/0.weight")


def test_layers_unfrozen_and_groups_added_get_their_own_series() -> None:
    outlet, model = MemoryOutlet(), mlp()
    model[2].requires_grad_(False)
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    step = plain(model, optimizer)

    step(0)
    model[2].requires_grad_(True)
    optimizer.add_param_group({"params": model[2].parameters(), "lr": 0.01})
    step(1)
    taps.detach()

    assert list(outlet.series("grad_norm/0.weight")) == [1, 2]
    assert list(outlet.series("grad_norm/2.weight")) == [2]
    assert outlet.series("lr/1") == {2: 0.01}
    assert outlet.events("agent") == []


def test_no_gradient_lives_on_after_the_step() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, MemoryOutlet(), budget=1.0, clock=lambda: 0.0)
    for _ in range(20):
        flat_loss(model).backward()
        optimizer.step()
        held = [weakref.ref(p.grad) for p in model.parameters() if p.grad is not None]
        optimizer.zero_grad(set_to_none=True)

        assert [ref() for ref in held] == [None] * len(held)
    taps.detach()
