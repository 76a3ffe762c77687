"""Which way is taken for which loss."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature.graph import Survey
from ergoscope.curvature.ladder import How, Way, agrees, choose, disagreement, products
from ergoscope.curvature.passes import Pass
from tests.agent.curvature.nets import KINDS, Problem
from tests.agent.curvature.test_graph import Cube

NOBODY: frozenset[str] = frozenset()


def _run(problem: Problem, *, compiled: bool = False) -> tuple[Tensor, Pass]:
    torch.manual_seed(problem.seed)
    states = ((torch.default_generator, torch.get_rng_state()),)
    model = torch.compile(problem.model, backend="aot_eager") if compiled else problem.model
    output = model(problem.inputs)
    run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), output, states)
    return functional.cross_entropy(output, problem.targets), run


def test_an_ordinary_loss_goes_through_its_own_graph() -> None:
    problem = KINDS["transformer"]()

    way = choose(problem.loss(), None, problem.parameters, NOBODY)

    assert way.how is How.EXACT
    assert len(way.survey.fused) == 1


def test_a_compiled_model_is_run_once_more_when_its_pass_was_heard() -> None:
    problem = KINDS["mlp"]()
    loss, run = _run(problem, compiled=True)

    heard, deaf = (choose(loss, one, problem.parameters, NOBODY) for one in (run, None))

    assert heard.how is How.REPLAYED
    assert deaf.how is None
    assert deaf.reason.endswith("and its forward pass could not be heard to repeat it")


def test_a_function_of_ones_own_is_unverified_until_it_is_trusted() -> None:
    weight = torch.ones(3, requires_grad=True)
    loss = Cube.apply(weight).sum()

    before = choose(loss, None, [weight], NOBODY)
    after = choose(loss, None, [weight], frozenset({"CubeBackward"}))

    assert before.how is How.UNVERIFIED
    assert after.how is How.EXACT


def test_what_has_no_way_says_why() -> None:
    weight = torch.ones(3, requires_grad=True)
    sparse = torch.ones(3).to_sparse().requires_grad_()

    reentrant = choose(checkpoint(torch.sin, weight, use_reentrant=True).sum(), None, [weight], NOBODY)
    odd = choose((weight**2).sum(), None, [weight, sparse], NOBODY)

    assert reentrant.how is None
    assert reentrant.reason == "it holds reentrant checkpoints, whose inside is not part of the graph"
    assert odd.reason == "a parameter is sparse"


@pytest.mark.parametrize("how", [How.EXACT, How.UNVERIFIED, How.REPLAYED, How.DIFFERENCE])
def test_every_way_leads_to_the_same_product(how: How) -> None:
    problem = KINDS["mlp"]()
    vector = torch.randn(sum(p.numel() for p in problem.parameters), generator=torch.Generator().manual_seed(1))
    truth = problem.hessian() @ vector
    loss, run = _run(problem)

    with products(Way(how, Survey()), loss, run, problem.parameters) as hessian:
        found = hessian(vector)

    assert agrees(float(disagreement(found, truth)))


def test_where_no_way_is_open_the_reason_is_raised() -> None:
    weight = torch.ones(3, requires_grad=True)

    for way, text in (
        (Way(None, Survey(), "it is so"), "no way to second derivatives is open: it is so"),
        (Way(How.REPLAYED, Survey()), "no way to second derivatives is open: the forward pass was not heard"),
    ):
        with pytest.raises(ValueError, match=text), products(way, weight.sum(), None, [weight]):
            pass


def test_a_dropped_curvature_is_far_from_a_difference_of_gradients() -> None:
    dropped, whole = torch.tensor([2.0, 2.0]), torch.tensor([8.0, 14.0])

    assert not agrees(float(disagreement(dropped, whole)))
    assert not agrees(float("nan"))
    assert agrees(float(disagreement(whole, whole)))
