"""What follows a model's output in a loss, and which losses have such a part."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature.passes import Pass
from ergoscope.curvature.tail import Tail, heads
from tests.agent.curvature.test_graph import Cube


def weight() -> Tensor:
    return torch.ones(2, requires_grad=True)


def run_of(output: object, *given: Tensor) -> Pass:
    return Pass(nn.Identity(), given, {}, tuple(t._version for t in given), output)


def test_the_outputs_that_the_loss_uses_are_told_from_the_rest() -> None:
    w = weight()
    used, unused, constant = w * 2, w * 3, torch.ones(2)

    assert heads(used.sum(), [unused, used, constant]) == [1]


def test_a_loss_that_the_model_gave_itself_stands_alone_and_so_does_a_share_of_it() -> None:
    logits = weight() * 2
    loss = logits.sum()

    assert heads(loss, [logits, loss]) == [1]
    assert heads(loss / 4, [logits, loss]) == [1]


def test_a_loss_of_something_else_has_no_head() -> None:
    w = weight()

    assert heads(w.sum(), [w * 2]) == []
    assert heads(torch.ones(()), [torch.ones(2)]) == []


def test_what_a_node_gave_beside_an_output_is_no_output() -> None:
    first, second = (weight() * 2).unbind()

    assert heads(second * second, [first, second]) == [1]
    with pytest.raises(ValueError, match="the loss comes from something that the model made beside its output"):
        heads(second * second, [first])


def test_slopes_and_products_are_those_of_the_function_behind_the_output() -> None:
    w = weight()
    output = w * 2
    run = run_of({"logits": output, "text": None})

    tail = Tail.of((output**3).sum(), run, [w])

    assert tail.chosen == (0,)
    assert tail.slopes[0].tolist() == [12.0, 12.0]
    assert tail.products([torch.tensor([1.0, 2.0])])[0].tolist() == [12.0, 24.0]


def test_a_linear_function_has_products_of_zero() -> None:
    w = weight()
    output = w * 2

    tail = Tail.of(output.sum(), run_of(output), [w])

    assert tail.products([torch.ones(2)])[0].tolist() == [0.0, 0.0]


def test_inputs_changed_in_place_are_refused() -> None:
    w, given = weight(), torch.ones(2)
    run = run_of(w * given, given)
    given.add_(1.0)

    with pytest.raises(ValueError, match="inputs were changed in place after its forward pass, so it cannot be repeat"):
        Tail.of(run.output.sum(), run, [w])  # type: ignore[attr-defined]  # a tensor


def test_a_loss_of_something_else_is_refused() -> None:
    w = weight()

    with pytest.raises(ValueError, match="does not come from the model's output, so its tail cannot be told"):
        Tail.of(w.square().sum(), run_of(w * 2), [w])


def test_a_penalty_on_the_parameters_is_refused_and_one_on_others_is_not() -> None:
    w, other = weight(), weight()
    output = w * 2

    with pytest.raises(ValueError, match="a part of the loss reaches parameters by another way than the model's out"):
        Tail.of(output.sum() + w.square().sum(), run_of(output), [w])
    Tail.of(output.sum() + other.square().sum(), run_of(output), [w])


def test_functions_of_the_jobs_own_and_checkpoints_behind_the_output_are_refused() -> None:
    w = weight()
    output = w * 2

    for loss, reason in (
        (Cube.apply(output).sum(), "CubeBackward in the graph of the loss may go backward only once, and that behind"),
        (checkpoint(torch.sin, output, use_reentrant=False).sum(), "what the graph has saved goes through hooks"),
    ):
        with pytest.raises(ValueError, match=reason):
            Tail.of(loss, run_of(output), [w])


def test_outputs_that_follow_from_one_another_are_refused_and_others_are_not() -> None:
    w = weight()
    first = w * 2
    second, apart = first.sin() * 1.0, w * 3

    with pytest.raises(ValueError, match="the loss comes from outputs of the model that follow from one another"):
        Tail.of((first + second).sum(), run_of((first, second)), [w])
    assert Tail.of((first + apart).sum(), run_of((first, apart)), [w]).chosen == (0, 1)
