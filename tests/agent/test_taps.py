"""Hooks on a job: one attachment's life, errors, forks, and what several optimizers add up to."""

import gc
import os
import weakref

import pytest
import torch
from torch import nn

from ergoscope.taps import Taps, attach
from tests.agent.jobs import flat_loss, mlp, plain
from tests.agent.memory_outlet import MemoryOutlet


def watched_mlp(outlet: MemoryOutlet, **options: float) -> tuple[nn.Module, torch.optim.Optimizer, Taps]:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, optimizer, attach(model, optimizer, outlet, clock=lambda: 0.0, **options)


def test_every_step_gives_one_row_of_global_values_and_one_of_layers() -> None:
    outlet = MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet, start_step=100)
    step = plain(model, optimizer)

    for number in range(3):
        step(number)
    taps.detach()

    assert taps.step == 103
    assert list(outlet.series("loss")) == [101, 102, 103]
    for key in ("lr", "grad_norm", "weight_norm", "update_norm", "update_ratio", "nonfinite_count"):
        assert list(outlet.series(key)) == [101, 102, 103]
    for key in ("grad_norm/0.weight", "weight_norm/2.bias", "update_norm/0.bias", "update_ratio/2.weight"):
        assert list(outlet.series(key)) == [101, 102, 103]
    assert len(outlet.rows) == 6


def test_values_of_a_step_are_handed_over_at_the_next() -> None:
    outlet, now = MemoryOutlet(), iter(range(1000))
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    taps = attach(model, optimizer, outlet, clock=lambda: float(next(now)), budget=1.0)  # steps of seconds
    step = plain(model, optimizer)

    step(0)
    after_one = list(outlet.series("loss"))
    step(1)
    after_two = list(outlet.series("loss"))
    taps.detach()

    assert after_one == []
    assert after_two == [1]
    assert list(outlet.series("loss")) == [1, 2]


def test_detach_restores_torch_and_stops_measuring() -> None:
    before, outlet = torch.autograd.backward, MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet)
    step = plain(model, optimizer)
    step(0)

    taps.detach()
    taps.detach()
    step(1)

    assert torch.autograd.backward is before
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert not taps.alive
    assert list(outlet.series("loss")) == [1]


def test_a_wrapper_put_on_ours_keeps_working_after_detach(monkeypatch: pytest.MonkeyPatch) -> None:
    outlet, calls = MemoryOutlet(), []
    monkeypatch.setattr(torch.autograd, "backward", torch.autograd.backward)
    model, optimizer, taps = watched_mlp(outlet)
    ours = torch.autograd.backward

    def theirs(*args: object, **kwargs: object) -> None:
        calls.append(1)
        ours(*args, **kwargs)

    torch.autograd.backward = theirs
    taps.detach()
    plain(model, optimizer)(0)

    assert torch.autograd.backward is theirs
    assert calls == [1]
    assert outlet.rows == []
    assert all(p.grad is not None for p in model.parameters())


def test_two_attachments_see_the_same_training_and_leave_nothing() -> None:
    before, first, second = torch.autograd.backward, MemoryOutlet(), MemoryOutlet()
    model, optimizer, outer = watched_mlp(first)
    inner = attach(model, optimizer, second, clock=lambda: 0.0)

    plain(model, optimizer)(0)
    inner.detach()
    outer.detach()

    assert first.series("loss") == second.series("loss") != {}
    assert torch.autograd.backward is before


@pytest.mark.parametrize("place", ["table", "record", "row"])
def test_errors_never_reach_training_and_three_switch_the_agent_off(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet = MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet)
    step = plain(model, optimizer)
    keep = outlet.record

    def fail(*args: object, **kwargs: object) -> None:
        if place == "record" and getattr(args[0], "kind", "") == "agent":
            return keep(args[0])  # type: ignore[arg-type]  # an event
        raise MemoryError("no room")

    monkeypatch.setattr(outlet, place, fail)
    for number in range(24):
        step(number)
    taps.detach()

    events = outlet.events("agent")
    assert not taps.alive
    assert [e.data["off"] for e in events] == [False, False, True]
    assert "MemoryError: no room" in events[0].text
    assert "the agent is off, training goes on without it" in events[2].text


def test_an_agent_that_cannot_even_report_is_off_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    outlet = MemoryOutlet()
    model, optimizer, taps = watched_mlp(outlet)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(outlet, "record", fail)
    step = plain(model, optimizer)
    for number in range(24):
        step(number)
    taps.detach()

    assert not taps.alive
    assert taps.step < 24


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_inert_and_its_parent_goes_on() -> None:
    outlet = MemoryOutlet()
    torch.set_num_threads(1)  # a forked child must not wait for threads that it does not have
    model, optimizer, taps = watched_mlp(outlet)
    step = plain(model, optimizer)
    step(0)

    child = os.fork()
    if not child:
        step(1)
        os._exit(0 if not taps.alive and not outlet.rows and taps.step == 1 else 1)
    _, status = os.waitpid(child, 0)
    step(1)
    taps.detach()

    assert os.waitstatus_to_exitcode(status) == 0
    assert list(outlet.series("loss")) == [1, 2]


def test_two_optimizers_make_one_model_wide_value_each() -> None:
    outlet = MemoryOutlet()
    pair = nn.ModuleDict({"a": nn.Linear(1, 1, bias=False), "b": nn.Linear(1, 1, bias=False)})
    with torch.no_grad():
        pair["a"].weight.fill_(2.0)
        pair["b"].weight.fill_(3.0)
    first = torch.optim.SGD(pair["a"].parameters(), lr=0.5)
    second = torch.optim.SGD(pair["b"].parameters(), lr=0.25)
    taps = attach(pair, [first, second], outlet, clock=lambda: 0.0)

    (3 * pair["a"].weight).sum().backward()  # loss 6, gradient 3
    first.step()
    (4 * pair["b"].weight).sum().backward()  # loss 12, gradient 4
    second.step()
    taps.detach()

    assert outlet.series("loss") == {1: 9.0}
    assert outlet.series("grad_norm") == {1: 5.0}
    assert outlet.series("grad_norm/b.weight") == {1: 4.0}
    assert outlet.series("weight_norm") == {1: pytest.approx((0.5**2 + 2**2) ** 0.5, rel=1e-6)}
    assert outlet.series("update_norm") == {1: pytest.approx((1.5**2 + 1) ** 0.5, rel=1e-6)}
    assert outlet.series("lr/1") == {1: 0.25}


def test_a_batch_without_examples_is_refused() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    with pytest.raises(ValueError, match="examples_per_backward is 0; it must be at least 1, or None"):
        attach(model, optimizer, MemoryOutlet(), examples_per_backward=0)


def test_backward_without_steps_is_said_once() -> None:
    outlet = MemoryOutlet()
    model, _, taps = watched_mlp(outlet)

    for _ in range(130):
        flat_loss(model).backward()
    taps.detach()

    assert [e.text.split(":")[0] for e in outlet.events("agent")] == [
        "64 backward passes and no step of the watched optimizer"
    ]


def test_a_dropped_job_is_freed_although_torch_still_has_our_wrapper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.autograd, "backward", torch.autograd.backward)
    model, optimizer, taps = watched_mlp(MemoryOutlet())
    seen = weakref.ref(model[0])

    taps.detach()
    del model, optimizer, taps
    gc.collect()

    assert seen() is None


def test_config_says_what_the_optimizer_and_model_are() -> None:
    model, _, taps = watched_mlp(MemoryOutlet())

    config = taps.config()
    taps.detach()

    assert config["parameters"] == sum(p.numel() for p in model.parameters())
    assert config["torch"] == str(torch.__version__)
    assert config["optimizers"][0]["name"] == "SGD"  # type: ignore[index]  # JSON
    assert config["optimizers"][0]["groups"][0]["momentum"] == 0.9  # type: ignore[index]  # JSON


def test_a_model_that_is_none_is_refused() -> None:
    optimizer = torch.optim.SGD(mlp().parameters(), lr=0.1)

    with pytest.raises(TypeError, match=r"model is a list; it must be a torch\.nn\.Module"):
        attach([], optimizer, MemoryOutlet())  # type: ignore[arg-type]  # the point


def test_optimizers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"optimizer is an empty list; give at least one torch\.optim\.Optimizer"):
        attach(mlp(), [], MemoryOutlet())
    with pytest.raises(TypeError, match=r"optimizer is a str; it must be a torch\.optim\.Optimizer or a list of them"):
        attach(mlp(), ["adam"], MemoryOutlet())  # type: ignore[list-item]  # the point


def test_a_probe_batch_without_its_loss_is_refused_before_anything_is_placed() -> None:
    model, before = mlp(), torch.autograd.backward
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    with pytest.raises(ValueError, match="probe is given without loss_fn; give both"):
        attach(model, optimizer, MemoryOutlet(), probe=torch.ones(2, 8))

    assert torch.autograd.backward is before
