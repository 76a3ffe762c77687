"""What a backward pass would go through, read off a loss's graph."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ergoscope.hearing.course import Course, Place, course_of


def place_of(output: Tensor) -> Place:
    assert output.grad_fn is not None
    return Place(output.grad_fn, output.output_nr, len(output))


def course(loss: Tensor, output: Tensor, layer: nn.Module) -> Course | str:
    assert loss.grad_fn is not None
    return course_of(loss.grad_fn, place_of(output), {id(p) for p in layer.parameters()})


def test_all_parameters_below_the_output_are_found_once() -> None:
    layer = nn.Linear(2, 3)
    output = layer(layer(torch.ones(4, 2))[:, :2])

    found = course((output * output).sum(), output, layer)

    assert isinstance(found, Course)
    assert {id(p) for p in found.parameters} == {id(p) for p in layer.parameters()}
    assert len(found.parameters) == 2


def test_a_loss_made_before_the_output_was_converted_is_found_below_the_conversion() -> None:
    layer = nn.Linear(2, 3)
    scores = layer(torch.ones(4, 2))
    output = scores.double()

    found = course(scores.sum(), output, layer)

    assert isinstance(found, Course)
    assert found.place.node is scores.grad_fn


def test_a_loss_of_something_else_has_no_course() -> None:
    layer = nn.Linear(2, 3)

    found = course(layer(torch.ones(4, 2)).sum(), layer(torch.ones(4, 2)) * 2, layer)

    assert found == "the loss does not depend on the model's output"


def test_a_penalty_on_parameters_is_told_from_what_comes_of_the_output() -> None:
    layer, unused = nn.Linear(2, 3), nn.Parameter(torch.ones(2))
    layer.register_parameter("unused", unused)
    output = layer(torch.ones(4, 2))
    penalty = layer.weight.sum() + unused.sum()

    found = course(output.sum() + penalty, output, layer)

    assert isinstance(found, Course)
    assert found.penalties == [penalty.grad_fn]
    assert {id(p) for p in found.parameters} == {id(p) for p in layer.parameters()}


def test_a_second_loss_of_what_is_inside_goes_another_way() -> None:
    layer, head = nn.Linear(2, 3), nn.Linear(3, 1)
    hidden = layer(torch.ones(4, 2))
    output = head(hidden)

    found = course(output.sum() + hidden.sum(), output, layer)

    assert found == "a part of the loss reaches parameters by another way than the model's output"


def test_parameters_that_nobody_asked_for_do_not_matter() -> None:
    layer, other = nn.Linear(2, 3), nn.Linear(3, 1)
    output = layer(torch.ones(4, 2))

    found = course(other(output).sum(), output, layer)

    assert isinstance(found, Course)
    assert course(other(output).sum(), output, other) == (
        "a part of the loss reaches parameters by another way than the model's output"
    )
    assert course(output.sum(), output, nn.Linear(1, 1)) == "the model's output depends on none of the parameters"


def test_a_parameter_with_a_hook_is_left_alone() -> None:
    layer = nn.Linear(2, 3)
    layer.weight.register_hook(lambda gradient: None)
    output = layer(torch.ones(4, 2))

    assert course(output.sum(), output, layer) == "a parameter has hooks of the job's own"


@pytest.mark.parametrize(
    ("reentrant", "reason"),
    [
        (True, "CheckpointFunctionBackward in the graph of the loss may go backward only once"),
        (False, "what the graph has saved goes through hooks, as checkpoints and offloading make it"),
    ],
)
def test_checkpoints_are_left_alone(reentrant: bool, reason: str) -> None:
    layer = nn.Linear(2, 3)
    output = checkpoint(layer, torch.ones(4, 2, requires_grad=True), use_reentrant=reentrant)

    assert course(output.square().sum(), output, layer) == reason


def test_a_graph_that_was_used_up_can_still_be_looked_at() -> None:
    layer = nn.Linear(2, 3)
    output = layer(torch.ones(4, 2))
    loss = output.square().sum()
    loss.backward()

    assert isinstance(course(loss, output, layer), Course)
