"""Which way is taken for which loss."""

from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature import ladder
from ergoscope.curvature.graph import Obstacle, Survey
from ergoscope.curvature.ladder import How, Way, agrees, choose, disagreement, products
from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.passes import Pass
from tests.agent.curvature.nets import KINDS, Problem
from tests.agent.curvature.test_graph import Cube


def test_an_ordinary_loss_goes_through_its_own_graph() -> None:
    problem = KINDS["transformer"]()

    way = choose(problem.loss(), "", problem.parameters)

    assert way.how is How.EXACT
    assert len(way.survey.fused) == 1


def test_a_compiled_model_is_run_once_more_when_its_pass_was_heard() -> None:
    problem = KINDS["mlp"]()
    loss, run = problem.passed(compiled=True)

    heard, deaf, told = (choose(loss, one, problem.parameters) for one in (run, "", "it was nowhere"))

    assert heard.how is How.REPLAYED
    assert (deaf.how, deaf.deaf) == (None, True)
    assert deaf.reason == f"{Obstacle.COMPILED}; nor can its forward pass be repeated: it was not heard"
    assert (told.how, told.deaf) == (None, False)
    assert told.reason.endswith("repeated: it was nowhere")


def test_a_compiled_model_that_draws_is_not_run_again_because_it_would_draw_others() -> None:
    problem = KINDS["mlp"]()
    loss, run = problem.passed(compiled=True)

    way = choose(loss, replace(run, drew=True), problem.parameters)

    assert way.how is None
    assert way.reason.startswith("the model is compiled and draws random numbers, as for dropout: run as it is written")


def test_what_may_be_gone_through_but_once_is_run_once_more_too() -> None:
    weight = torch.ones(3, requires_grad=True)
    own = Cube.apply(weight).sum()
    forgetful = checkpoint(torch.sin, weight, use_reentrant=False).sum()
    run = Pass(nn.Identity(), (), {}, (), outputs_of(weight))

    ways = [choose(loss, run, [weight]) for loss in (own, forgetful)]

    assert [way.how for way in ways] == [How.REPLAYED, How.REPLAYED]
    assert choose(own, "", [weight]).reason.startswith(
        "CubeBackward in the graph of the loss may go backward only once"
    )


def test_fused_attention_with_dropout_leaves_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = KINDS["transformer"]()
    loss, run = problem.passed()
    monkeypatch.setattr(ladder, "survey", lambda *_: Survey(obstacle=Obstacle.DROPOUT))  # no kernel on a CPU drops out

    way = choose(loss, run, problem.parameters)
    with products(way, loss, run, problem.parameters) as obtained:
        found = obtained.products(problem.vector())

    assert obtained.how is How.DIFFERENCE
    assert agrees(float(disagreement(found, problem.hessian() @ problem.vector())))


def test_what_has_no_way_says_why() -> None:
    weight = torch.ones(3, requires_grad=True)
    sparse = torch.ones(3).to_sparse().requires_grad_()

    reentrant = choose(checkpoint(torch.sin, weight, use_reentrant=True).sum(), "", [weight])
    odd = choose((weight**2).sum(), "", [weight, sparse])

    assert reentrant.how is None
    assert reentrant.reason == "it holds reentrant checkpoints, whose inside is not part of the graph"
    assert odd.reason == "a parameter is sparse"


@pytest.mark.parametrize("how", [How.EXACT, How.REPLAYED, How.DIFFERENCE])
def test_every_way_leads_to_the_same_product(how: How) -> None:
    problem = KINDS["mlp"]()
    truth = problem.hessian() @ problem.vector()
    loss, run = problem.passed()

    with products(Way(how, Survey()), loss, run, problem.parameters) as obtained:
        found = obtained.products(problem.vector())

    assert obtained.how is how
    assert agrees(float(disagreement(found, truth)))


def test_where_no_way_is_open_the_reason_is_raised() -> None:
    weight = torch.ones(3, requires_grad=True)

    for way, text in (
        (Way(None, Survey(), "it is so"), "no way to second derivatives is open: it is so"),
        (Way(How.REPLAYED, Survey()), "no way to second derivatives is open: the forward pass was not heard"),
    ):
        with pytest.raises(ValueError, match=text), products(way, weight.sum(), "", [weight]):
            pass


class Custom(nn.Module):
    """One of the functions below, on top of a layer."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        """Make the layer."""
        super().__init__()
        self.layer, self.function = nn.Linear(6, 3), function

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (batch, 6) to (batch, 3)."""
        out: Tensor = self.function.apply(self.layer(inputs))  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return out


class RightCube(torch.autograd.Function):
    """x³ with a backward pass that can be differentiated."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        """Keep the input."""
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, outer: Tensor) -> Tensor:
        """3x² dL/dy."""
        (x,) = ctx.saved_tensors
        return 3 * x**2 * outer


def custom(function: type[torch.autograd.Function]) -> Problem:
    torch.manual_seed(0)
    return Problem(Custom(function), torch.randn(20, 6), torch.randint(3, (20,)))


def test_a_function_of_ones_own_is_compared_with_differences_until_it_is_trusted() -> None:
    problem = custom(RightCube)
    truth = custom_truth(problem)
    loss, run = problem.passed()
    way = choose(loss, run, problem.parameters)

    with products(way, loss, run, problem.parameters) as first:
        doubted = first.products(problem.vector())
    with products(way, loss, run, problem.parameters, trusted=first.custom) as later:
        trusted = later.products(problem.vector())

    assert (first.how, first.custom) == (How.UNVERIFIED, frozenset({"RightCubeBackward"}))
    assert first.doubt is not None
    assert agrees(float(first.doubt))
    assert (later.how, later.doubt) == (How.REPLAYED, None)
    assert float(disagreement(doubted, truth)) < 1e-5
    assert torch.equal(doubted, trusted)


def test_a_function_that_drops_curvature_is_caught_and_differences_are_right() -> None:
    problem = custom(Cube)
    truth = custom_truth(problem)
    loss, run = problem.passed()
    way = choose(loss, run, problem.parameters)

    with products(way, loss, run, problem.parameters) as first:
        wrong = first.products(problem.vector())
    with products(way, loss, run, problem.parameters, differences=True) as later:
        found = later.products(problem.vector())

    assert first.doubt is not None
    assert not agrees(float(first.doubt))
    assert float(disagreement(wrong, truth)) > 0.1
    assert later.how is How.DIFFERENCE
    assert agrees(float(disagreement(found, truth)))


class StubbornCube(torch.autograd.Function):
    """x³, whose backward pass fails when it is differentiated."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        """Keep the input."""
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, outer: Tensor) -> Tensor:
        """3x² dL/dy, by a kernel that has no derivative."""
        (x,) = ctx.saved_tensors
        return OnceOnly.apply(3 * x**2 * outer)  # type: ignore[no-untyped-call, no-any-return]  # torch leaves it untyped


class OnceOnly(torch.autograd.Function):
    """The identity without a derivative."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        """Give a copy."""
        return x.clone()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, outer: Tensor) -> Tensor:
        """Fail."""
        raise RuntimeError("the derivative of a kernel is not implemented")


def test_a_function_that_says_so_leaves_differences_at_once() -> None:
    problem = custom(StubbornCube)
    truth = custom_truth(problem)
    loss, run = problem.passed()
    way = choose(loss, run, problem.parameters)

    with products(way, loss, run, problem.parameters) as obtained:
        found = obtained.products(problem.vector())

    assert (obtained.how, obtained.doubt) == (How.DIFFERENCE, None)
    assert agrees(float(disagreement(found, truth)))


def test_reentrant_checkpoints_that_show_only_when_the_model_runs_again_are_refused() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            out: Tensor = checkpoint(self.layer, inputs, use_reentrant=True)
            return out

    model, inputs = Hidden(), torch.ones(2, 6, requires_grad=True)
    output = model(inputs)
    run = Pass(model, (inputs,), {}, (0,), outputs_of(output))
    parameters = list(model.parameters())
    loss = output.sum()

    with (
        pytest.raises(ValueError, match="it holds reentrant checkpoints, whose inside is not part of the graph"),
        products(Way(How.REPLAYED, Survey()), loss, run, parameters),
    ):
        pass


def custom_truth(problem: Problem) -> Tensor:
    """H v of the same net written without a function of one's own."""
    layer = cast(Custom, problem.model).layer
    loss = functional.cross_entropy(layer(problem.inputs) ** 3, problem.targets)
    gradients = torch.autograd.grad(loss, problem.parameters, create_graph=True)
    slope = torch.cat([g.reshape(-1) for g in gradients]) @ problem.vector()
    return torch.cat([g.reshape(-1) for g in torch.autograd.grad(slope, problem.parameters)])


def test_a_dropped_curvature_is_far_from_a_difference_of_gradients() -> None:
    dropped, whole = torch.tensor([2.0, 2.0]), torch.tensor([8.0, 14.0])

    assert not agrees(float(disagreement(dropped, whole)))
    assert not agrees(float("nan"))
    assert agrees(float(disagreement(whole, whole)))
