"""Hooks that a job puts on tensors while somebody notes it."""

import pytest
import torch
from torch import Tensor

from ergoscope.hearing.registrations import Registrations

METHODS = torch.Tensor.register_hook, torch.Tensor.retain_grad


def inner() -> Tensor:
    return torch.ones(2, requires_grad=True) * 2


def test_a_hook_and_a_kept_gradient_are_seen_and_work() -> None:
    registrations, told = Registrations(), []
    for ask in (lambda t: t.register_hook(told.append), lambda t: t.retain_grad()):
        tensor = inner()
        registrations.open()
        before = registrations.seen
        ask(tensor)
        registrations.close()
        tensor.sum().backward()

        assert (before, registrations.seen) == (False, True)
        assert told or tensor.grad is not None
    assert len(told) == 1


def test_torch_has_its_own_methods_back_when_the_last_one_closes() -> None:
    first, second = Registrations(), Registrations()

    first.open()
    second.open()
    first.close()
    inner().retain_grad()
    second.close()
    second.close()

    assert (first.seen, second.seen) == (False, True)
    assert (torch.Tensor.register_hook, torch.Tensor.retain_grad) == METHODS
    assert "retain_grad" not in vars(torch.Tensor)


def test_methods_of_somebody_else_stay_and_count_as_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    registrations = Registrations()

    def theirs(tensor: Tensor) -> None:
        METHODS[1](tensor)

    monkeypatch.setattr(torch.Tensor, "retain_grad", theirs, raising=False)
    registrations.open()
    registrations.close()

    assert registrations.seen
    assert torch.Tensor.retain_grad is theirs


@pytest.mark.parametrize(("module", "counts"), [("theirs.parts", False), ("job.parts", True)])
def test_hooks_of_one_package_may_be_left_out(module: str, counts: bool) -> None:
    spared, strict = Registrations(but="theirs."), Registrations()
    places: dict[str, object] = {"__name__": module}
    exec("def put(tensor):\n    tensor.register_hook(lambda g: g)", places)  # a function of that module
    for one in (spared, strict):
        one.open()

    places["put"](torch.ones(1, requires_grad=True))  # type: ignore[operator]  # the function above

    assert (spared.seen, strict.seen) == (counts, True)
    for one in (spared, strict):
        one.close()
