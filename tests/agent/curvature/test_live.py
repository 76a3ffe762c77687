"""Products through the job's own graph."""

import pytest
import torch

from ergoscope.curvature.graph import survey
from ergoscope.curvature.live import live_products
from tests.agent.curvature.nets import KINDS

CLOSE = 1e-5  # relative, of sums of a few hundred terms in fp32


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_those_of_the_hessian(kind: str) -> None:
    problem = KINDS[kind]()
    truth = problem.hessian()
    loss = problem.loss()

    with live_products(loss, problem.parameters, survey(loss, problem.parameters)) as hessian:
        columns = torch.stack([hessian(one) for one in torch.eye(len(truth))])

    assert _relative(columns, truth) < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_the_top_eigenvalues_are_those_of_the_hessian(kind: str) -> None:
    problem = KINDS[kind]()
    truth = torch.linalg.eigvalsh(problem.hessian().double())
    loss = problem.loss()

    with live_products(loss, problem.parameters, survey(loss, problem.parameters)) as hessian:
        columns = torch.stack([hessian(one) for one in torch.eye(len(truth))])
    found = torch.linalg.eigvalsh((columns + columns.T).double() / 2)

    assert torch.allclose(found[[0, -2, -1]], truth[[0, -2, -1]], rtol=CLOSE, atol=CLOSE * float(truth.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_backward_pass_that_follows_has_the_same_bits(kind: str) -> None:
    problem = KINDS[kind]()
    problem.loss().backward()
    truth = [p.grad for p in problem.model.parameters()]
    problem.model.zero_grad()
    loss = problem.loss()

    with live_products(loss, problem.parameters, survey(loss, problem.parameters)) as hessian:
        hessian(torch.randn(sum(p.numel() for p in problem.parameters)))
    untouched = [p.grad for p in problem.model.parameters()]
    loss.backward()

    assert untouched == [None] * len(truth)
    assert all(torch.equal(a, p.grad) for a, p in zip(truth, problem.model.parameters(), strict=True))


def test_the_gradient_comes_along() -> None:
    problem = KINDS["mlp"]()
    loss = problem.loss()

    with live_products(loss, problem.parameters) as hessian:
        gradient = hessian.gradient
    loss.backward()

    assert torch.equal(gradient, torch.cat([p.grad.reshape(-1) for p in problem.model.parameters()]))


def test_under_bf16_autocast_products_are_as_good_as_its_numbers() -> None:
    problem = KINDS["mlp"]()
    vector = torch.randn(sum(p.numel() for p in problem.parameters), generator=torch.Generator().manual_seed(1))
    truth = problem.hessian() @ vector

    with torch.autocast("cpu", torch.bfloat16):
        loss = problem.loss()
    with live_products(loss, problem.parameters) as hessian:
        found = hessian(vector)

    assert _relative(found, truth) < 8 * 2**-8  # a handful of roundings of 8 bits each


def test_a_parameter_that_the_loss_does_not_use_has_no_curvature() -> None:
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)

    with live_products((used**2).sum(), [used, unused]) as hessian:
        found = hessian(torch.ones(5))

    assert found.tolist() == [2.0, 2.0, 0.0, 0.0, 0.0]


def test_a_linear_loss_has_none_either() -> None:
    weight = torch.ones(2, requires_grad=True)

    with live_products(weight.sum(), [weight]) as hessian:
        found = hessian(torch.ones(2))

    assert found.tolist() == [0.0, 0.0]


def test_afterwards_the_graph_is_let_go() -> None:
    weight = torch.ones(2, requires_grad=True)

    with live_products((weight**3).sum(), [weight]) as hessian:
        pass

    assert hessian(torch.ones(2)).tolist() == [0.0, 0.0]
