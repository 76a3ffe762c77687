"""What follows a model's output in a loss, and which losses have such a part."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature import tail
from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.passes import Pass
from ergoscope.curvature.tail import Tail, heads
from tests.agent.curvature.test_graph import Cube


def weight() -> Tensor:
    return torch.ones(2, requires_grad=True)


def run_of(output: object, *given: Tensor) -> Pass:
    return Pass(nn.Identity(), given, {}, tuple(t._version for t in given), outputs_of(output))


def test_the_outputs_that_the_loss_uses_are_told_from_the_rest() -> None:
    w = weight()
    used, unused, constant = w * 2, w * 3, torch.ones(2)

    assert heads(used.sum(), outputs_of([unused, used, constant])) == [1]


def test_a_loss_that_the_model_gave_itself_stands_alone_and_so_does_a_share_of_it() -> None:
    logits = weight() * 2
    loss = logits.sum()

    assert heads(loss, outputs_of([logits, loss])) == [1]
    assert heads(loss / 4, outputs_of([logits, loss])) == [1]


def test_a_loss_of_something_else_has_no_head() -> None:
    w = weight()

    assert heads(w.sum(), outputs_of([w * 2])) == []
    assert heads(torch.ones(()), outputs_of([torch.ones(2)])) == []


def test_what_a_node_gave_beside_an_output_is_no_output() -> None:
    first, second = (weight() * 2).unbind()

    assert heads(second * second, outputs_of([first, second])) == [1]
    with pytest.raises(ValueError, match="the loss comes from something that the model made beside its output"):
        heads(second * second, outputs_of([first]))


def test_slopes_and_products_are_those_of_the_function_behind_the_output() -> None:
    w = weight()
    output = w * 2
    run = run_of({"logits": output, "text": None})

    found = Tail.of((output**3).sum(), run, [w])

    assert found.chosen == (0,)
    assert found.slopes[0].tolist() == [12.0, 12.0]
    assert found.products([torch.tensor([1.0, 2.0])])[0].tolist() == [12.0, 24.0]


def test_a_linear_function_has_products_of_zero() -> None:
    w = weight()
    output = w * 2

    found = Tail.of(output.sum(), run_of(output), [w])

    assert found.products([torch.ones(2)])[0].tolist() == [0.0, 0.0]


def test_inputs_changed_in_place_are_refused() -> None:
    w, given = weight(), torch.ones(2)
    output = w * given
    run = run_of(output, given)
    given.add_(1.0)

    with pytest.raises(ValueError, match="model's inputs or outputs were changed in place, so its forward pass cannot"):
        Tail.of(output.sum(), run, [w])


def test_outputs_changed_in_place_are_refused_and_those_that_the_loss_does_not_use_are_not() -> None:
    w = weight()
    output, state = w * 2, torch.ones(2)
    loss, run = output.sum(), run_of((output, state))
    state.add_(1.0)

    assert Tail.of(loss, run, [w]).chosen == (0,)
    output.detach().add_(1.0)
    with pytest.raises(ValueError, match="model's inputs or outputs were changed in place, so its forward pass cannot"):
        Tail.of(loss, run, [w])


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


def test_a_graph_without_end_is_not_walked_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    w = weight()
    output, long = w * 2, w * 3
    for _ in range(40):
        long = long + 1
    above, beside = (output + long).sum(), w * 2
    monkeypatch.setattr(tail, "TOO_MANY", 20)

    with pytest.raises(ValueError, match="it has more than 200,000 nodes"):
        heads(above, outputs_of([output]))
    with pytest.raises(ValueError, match="it has more than 200,000 nodes"):
        Tail.of((long + beside).sum(), run_of((long, beside)), [w])
