"""Products by one more forward pass."""

from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ergoscope.curvature.parts import split
from ergoscope.curvature.passes import Pass, tensors_in
from ergoscope.curvature.replay import mismatch, replayed_products
from tests.agent.curvature.nets import KINDS, Problem

CLOSE = 1e-5


def _run(problem: Problem, *, compiled: bool = False) -> tuple[Tensor, Pass]:
    """The job's forward pass, remembered, and its loss."""
    torch.manual_seed(problem.seed)
    states = ((torch.default_generator, torch.get_rng_state()),)
    model = torch.compile(problem.model, backend="aot_eager") if compiled else problem.model
    output = model(problem.inputs)
    run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), output, states)
    return functional.cross_entropy(cast(Tensor, output), problem.targets), run


def _vector(problem: Problem) -> Tensor:
    return torch.randn(sum(p.numel() for p in problem.parameters), generator=torch.Generator().manual_seed(1))


def _relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _without_dropout(kind: str) -> Problem:
    problem = KINDS[kind]()
    for module in problem.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return problem


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_the_hessian(kind: str) -> None:
    problem = KINDS[kind]()
    truth = problem.hessian() @ _vector(problem)
    loss, run = _run(problem)

    with replayed_products(loss, run, problem.parameters) as hessian:
        found = hessian(_vector(problem))

    assert _relative(found, truth) < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_compiled_model_as_well(kind: str) -> None:
    problem = _without_dropout(kind)
    truth = problem.hessian() @ _vector(problem)
    loss, run = _run(problem, compiled=True)

    with replayed_products(loss, run, problem.parameters) as hessian:
        found = hessian(_vector(problem))
    differs = mismatch(run, loss)
    loss.backward()

    assert _relative(found, truth) < CLOSE
    assert float(differs) < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_the_job_cannot_tell(kind: str) -> None:
    def train(*, probe: bool) -> list[Tensor]:
        problem = KINDS[kind]()
        optimizer = torch.optim.SGD(problem.model.parameters(), lr=0.1, momentum=0.9)
        torch.manual_seed(3)
        for _ in range(3):
            states = ((torch.default_generator, torch.get_rng_state()),)
            output = problem.model(problem.inputs)
            loss = functional.cross_entropy(output, problem.targets)
            if probe:
                run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), output, states)
                with replayed_products(loss, run, problem.parameters) as hessian:
                    hessian(_vector(problem))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*problem.model.state_dict().values(), torch.get_rng_state()]

    alone, probed = train(probe=False), train(probe=True)

    assert all(torch.equal(a, b) for a, b in zip(alone, probed, strict=True))


def test_the_gauss_newton_part_is_what_the_output_alone_curves() -> None:
    problem = KINDS["mlp"]()
    loss, run = _run(problem)
    vector = _vector(problem)
    names = [name for name, _ in problem.model.named_parameters()]

    def logits(*weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        out: Tensor = torch.func.functional_call(problem.model, given, (problem.inputs,))
        return out

    weights = tuple(p.detach() for p in problem.parameters)
    _, along = torch.autograd.functional.jvp(logits, weights, tuple(split(vector, weights)))
    share = problem.output().softmax(-1)
    curved = share * (along - (share * along).sum(-1, keepdim=True)) / len(share)
    truth = torch.cat([g.reshape(-1) for g in torch.autograd.grad(problem.output(), problem.parameters, curved)])

    with replayed_products(loss, run, problem.parameters, gauss_newton=True) as gauss_newton:
        found = gauss_newton(vector)

    assert _relative(found, truth) < CLOSE


def test_a_loss_that_is_the_models_own_output_is_replayed_too() -> None:
    class WithLoss(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
            logits = self.inner(inputs)
            return {"loss": functional.cross_entropy(logits, targets), "logits": logits}

    problem = KINDS["mlp"]()
    truth = problem.hessian() @ _vector(problem)
    model = WithLoss(problem.model)
    output = model(problem.inputs, targets=problem.targets)
    given = ((problem.inputs,), {"targets": problem.targets})
    run = Pass(model, *given, tuple(t._version for t in tensors_in(given)), output, ())

    with replayed_products(output["loss"], run, problem.parameters) as hessian:
        found = hessian(_vector(problem))

    assert _relative(found, truth) < CLOSE


def test_a_loss_linear_in_the_output_has_the_models_curvature_alone() -> None:
    problem = KINDS["mlp"]()
    output = problem.output()
    run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), output, ())

    with replayed_products(output.sum(), run, problem.parameters, gauss_newton=True) as gauss_newton:
        found = gauss_newton(_vector(problem))

    assert not found.any()


def test_inputs_changed_in_place_are_refused() -> None:
    problem = KINDS["mlp"]()
    loss, run = _run(problem)
    problem.inputs.add_(1.0)

    with (
        pytest.raises(
            ValueError, match="inputs were changed in place after its forward pass, so it cannot be repeated"
        ),
        replayed_products(loss, run, problem.parameters),
    ):
        pass


def test_a_loss_of_something_else_is_refused() -> None:
    problem = KINDS["mlp"]()
    _, run = _run(problem)
    penalty = problem.parameters[0].square().sum()

    with (
        pytest.raises(ValueError, match="does not come from the model's output, so its tail cannot be told"),
        replayed_products(penalty, run, problem.parameters),
    ):
        pass
