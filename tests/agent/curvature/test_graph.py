"""What a graph is recognised by."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature import graph
from ergoscope.curvature.graph import Obstacle, objection, survey
from tests.agent.curvature.nets import KINDS


class Cube(torch.autograd.Function):
    """x³, as a hand-written kernel has it: its backward pass cannot be differentiated."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        """Keep the input."""
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, outer: Tensor) -> Tensor:
        """3x² dL/dy."""
        (x,) = ctx.saved_tensors
        return 3 * x**2 * outer


def _weight() -> Tensor:
    return torch.ones(3, 3, requires_grad=True)


def test_an_ordinary_loss_has_no_obstacle() -> None:
    found = survey(KINDS["mlp"]().loss())

    assert found == graph.Survey()


def test_a_number_without_a_graph_is_told() -> None:
    found = survey(torch.ones(()))

    assert found.obstacle is Obstacle.NO_GRAPH


def test_fused_attention_is_found_and_is_no_obstacle() -> None:
    problem = KINDS["transformer"]()

    found = survey(problem.loss())

    assert [node.name() for node in found.fused] == ["ScaledDotProductFlashAttentionForCpuBackward0"]
    assert not found.obstacle
    assert len(survey([problem.output()]).fused) == 1


def test_a_python_function_is_named_because_nobody_knows_what_it_drops() -> None:
    found = survey(Cube.apply(_weight()).sum())

    assert found.custom == ("CubeBackward",)
    assert not found.obstacle


def test_compiled_parts_are_an_obstacle() -> None:
    weight = _weight()
    compiled = torch.compile(lambda x: (x * x).sin(), backend="aot_eager")

    found = survey(compiled(weight).sum())

    assert found.obstacle is Obstacle.COMPILED


def test_reentrant_checkpoints_are_an_obstacle_and_others_are_not() -> None:
    weight = _weight()

    old = survey(checkpoint(torch.sin, weight, use_reentrant=True).sum())
    new = survey(checkpoint(torch.sin, weight, use_reentrant=False).sum())

    assert old.obstacle is Obstacle.REENTRANT
    assert not new.obstacle


def test_hooks_of_the_users_are_an_obstacle() -> None:
    layer = nn.Linear(3, 3)
    weight = _weight()
    weight.register_hook(lambda gradient: gradient)
    layer.register_full_backward_hook(lambda *_: None)

    on_module = survey(layer(torch.ones(1, 3, requires_grad=True)).sum())
    on_parameter = survey((weight**2).sum(), [weight])

    assert on_module.obstacle is Obstacle.HOOKED
    assert on_parameter.obstacle is Obstacle.HOOKED


def test_fused_attention_with_dropout_is_an_obstacle() -> None:
    class Node:
        _saved_dropout_p = 0.1
        next_functions = ()

        def name(self) -> str:
            return "ScaledDotProductFlashAttentionBackward0"

    class Loss:
        grad_fn = Node()

    found = survey([Loss()])  # type: ignore[list-item]  # no kernel on a CPU drops out, so the node is made by hand

    assert found.obstacle is Obstacle.DROPOUT


def test_a_graph_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "TOO_MANY", 2)
    loss = functional.relu(_weight()).sin().cos().sum()

    found = survey(loss)

    assert found.obstacle is Obstacle.TOO_LARGE


def test_against_a_pass_through_what_torch_has_made_nothing_is_to_be_said() -> None:
    assert objection(nn.Linear(2, 2)(torch.ones(1, 2)).sum() ** 2) == ""


def test_what_is_kept_through_hooks_is_passed_once() -> None:
    layer = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    loss = checkpoint(layer, torch.ones(1, 2), use_reentrant=False).sum()

    assert objection(loss).startswith("what the graph has saved goes through hooks")


def test_what_is_written_in_python_is_passed_once() -> None:
    assert objection(Cube.apply(_weight()).sum()) == "CubeBackward in the graph of the loss may go backward only once"
