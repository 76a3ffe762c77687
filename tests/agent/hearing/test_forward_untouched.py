"""What is heard of a forward pass, and what is run of it once more, leaves what the job gave and got as it was."""

import weakref
from collections import OrderedDict
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ergoscope.curvature.passes import Pass
from ergoscope.hearing.forward import ForwardPasses
from tests.agent.hearing.test_forward import nothing_compiled_yet, passes_of, taken, x

__all__ = ["nothing_compiled_yet"]  # a fixture that every test here uses


class Large(torch.autograd.Function):
    """Holds something in its graph that can be counted."""

    alive: ClassVar[set[int]] = set()

    @staticmethod
    def forward(ctx: Any, given: Tensor) -> Tensor:  # what torch passes
        ctx.held = held = torch.zeros(1)
        Large.alive.add(id(held))
        weakref.finalize(held, Large.alive.discard, id(held))
        return given.clone()

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Tensor:  # what torch passes
        return outer


class Applied(nn.Module):
    """A function as a module."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, given: Tensor) -> Tensor:
        return self.function.apply(given)  # type: ignore[no-any-return, no-untyped-call]  # torch leaves it untyped


def test_no_graph_lives_longer_for_being_heard() -> None:
    model = nn.Sequential(nn.Linear(3, 2), Applied(Large))
    passes = passes_of(model)

    counts = []
    for _ in range(3):
        model(x()).argmax()
        counts.append(len(Large.alive))
    last = model(x())
    counts.append(len(Large.alive))

    assert counts == [0, 0, 0, 1]
    assert isinstance(passes.take(last.sum()), Pass)


class Writing(nn.Module):
    """Leaves its work in what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, batch: dict[str, Tensor], *, seen: list[int]) -> Tensor:
        batch["hidden"] = out = self.layer(batch["x"])
        seen.append(len(seen))
        return out


def test_another_pass_writes_into_containers_of_our_own() -> None:
    model, batch, seen = Writing(), {"x": x()}, [7]

    found = taken(model, lambda: model(batch, seen=seen).sum())
    hidden = batch["hidden"]
    assert isinstance(found, Pass)
    for _ in range(2):
        found.again()

    assert found.args[0] == {"x": batch["x"]}
    assert found.kwargs == {"seen": [7]}
    assert batch["hidden"] is hidden
    assert seen == [7, 1]


def test_a_pass_that_is_given_what_might_change_is_not_repeated_and_another_may_be() -> None:
    class Taking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, given: Tensor, state: object) -> Tensor:
            return self.layer(given)  # type: ignore[no-any-return]  # a tensor

    model = Taking()

    def after() -> Tensor:
        model(x(), set())
        return model(x(), None).sum()  # type: ignore[no-any-return]  # a tensor

    found = taken(model, lambda: model(x(), OrderedDict()).sum())

    assert found == "it is given an object that a second pass might change"
    assert isinstance(taken(model, after), Pass)


def test_a_pass_that_writes_over_its_input_is_known_to_have_altered_it() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2))

    found = taken(model, lambda: model(x()).sum())

    assert isinstance(found, Pass)
    assert found.altered


def test_where_names_are_not_told_a_pass_is_not_repeated() -> None:
    model = nn.Linear(3, 2)
    passes = ForwardPasses(model)
    passes.listen(lambda entry: entry)
    passes.open()
    passes.close()
    passes._listens = True
    output = model(x())

    passes._entered((x(),), None)
    passes._left(output)

    assert passes.take(output.sum()) == "this version of torch does not tell what a model is given by name"
