"""Which tensors a pass took and gave."""

from collections import OrderedDict

import torch
from torch import nn

from ergoscope.curvature.passes import Pass, heads, tensors_in


def test_tensors_are_found_in_whatever_a_model_gives() -> None:
    a, b, c = torch.ones(1), torch.ones(2), torch.ones(3)

    found = tensors_in(OrderedDict(loss=a, logits=b, more=[c, "text", None]))

    assert [len(t) for t in found] == [1, 2, 3]


def test_the_outputs_that_the_loss_uses_are_told_from_the_rest() -> None:
    weight = torch.ones(2, requires_grad=True)
    used, unused, constant = weight * 2, weight * 3, torch.ones(2)

    assert heads(used.sum(), (unused, used, constant)) == [1]


def test_a_loss_that_the_model_gave_itself_stands_alone() -> None:
    weight = torch.ones(2, requires_grad=True)
    logits = weight * 2
    loss = logits.sum()

    assert heads(loss, {"logits": logits, "loss": loss}) == [1]


def test_a_loss_of_something_else_has_no_output() -> None:
    weight = torch.ones(2, requires_grad=True)

    assert heads(weight.sum(), weight * 2) == []
    assert heads(torch.ones(()), torch.ones(2)) == []


def test_an_input_changed_in_place_is_noticed() -> None:
    given = torch.ones(2)
    run = Pass(nn.Identity(), (given,), {}, (given._version,), given, ())
    before = run.altered

    given.add_(1)

    assert not before
    assert run.altered
