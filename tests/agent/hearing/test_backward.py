"""Which backward pass is given, and when none is."""

import pytest
import torch
from torch import Tensor, nn

from ergoscope.curvature.passes import Pass
from ergoscope.hearing.backward import FirstBackward


def heard(model: nn.Module, *, forward: bool = True) -> FirstBackward:
    backward = FirstBackward(model)
    backward.listen(lambda entry: entry)
    backward.open(forward=forward)
    return backward


def output(model: nn.Module) -> Tensor:
    out: Tensor = model(torch.ones(4, 3))
    return out


@pytest.mark.parametrize("listed", [False, True])
def test_the_loss_is_given_with_the_forward_pass_that_it_comes_from(listed: bool) -> None:
    model = nn.Linear(3, 2)
    backward = heard(model)
    loss = output(model).sum()

    found = backward.take([loss] if listed else loss, number=1, plain=True)

    assert found is not None
    assert found.loss is loss
    assert isinstance(found.run, Pass)
    assert backward.take(loss, number=1, plain=True) is None  # it is closed


def test_forward_passes_are_heard_only_where_they_are_asked_for() -> None:
    model = nn.Linear(3, 2)
    backward = heard(model, forward=False)
    loss = output(model).sum()

    found = backward.take(loss, number=1, plain=True)

    assert found is not None
    assert found.run == ""


def test_a_second_pass_of_a_step_is_not_looked_at_and_ends_the_hearing() -> None:
    model = nn.Linear(3, 2)
    backward = heard(model)

    assert backward.take(output(model).sum(), number=2, plain=True) is None
    assert backward.take(output(model).sum(), number=1, plain=True) is None


def test_what_is_not_one_loss_and_what_hooks_its_graph_is_refused() -> None:
    model = nn.Linear(3, 2)
    for roots, plain in ((output(model), True), (output(model).sum(), False), ([output(model).sum()] * 2, True)):
        backward = heard(model)
        with pytest.raises(ValueError, match="the backward pass is compiled, or told more than one loss"):
            backward.take(roots, number=1, plain=plain)

    backward = heard(model)
    inner = output(model)
    inner.retain_grad()
    with pytest.raises(ValueError, match="the job hooks gradients inside its graph"):
        backward.take(inner.sum(), number=1, plain=True)
