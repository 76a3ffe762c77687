"""Products by one more forward pass."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ergoscope.curvature.given import tensors_in
from ergoscope.curvature.graph import Obstacle
from ergoscope.curvature.outputs import outputs_of
from ergoscope.curvature.parts import split
from ergoscope.curvature.passes import Pass, casts_on
from ergoscope.curvature.replay import rehearse, replayed_products
from ergoscope.curvature.tail import Tail
from tests.agent.curvature.nets import KINDS, Problem

CLOSE = 1e-5


def tail_of(loss: Tensor, run: Pass) -> Tail:
    return Tail.of(loss, run, list(run.model.parameters()))


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
    truth = problem.hessian() @ problem.vector()
    loss, run = problem.passed()

    with replayed_products(tail_of(loss, run), run, problem.parameters) as hessian:
        found = hessian(problem.vector())

    assert _relative(found, truth) < CLOSE


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_compiled_model_as_well(kind: str) -> None:
    problem = _without_dropout(kind)
    truth = problem.hessian() @ problem.vector()
    loss, run = problem.passed(compiled=True)

    with replayed_products(tail_of(loss, run), run, problem.parameters) as hessian:
        found = hessian(problem.vector())
    loss.backward()

    assert _relative(found, truth) < CLOSE


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
                run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), outputs_of(output), states)
                tail = tail_of(loss, run)
                rehearse(tail, run, problem.parameters)
                with replayed_products(tail, run, problem.parameters) as hessian:
                    hessian(problem.vector())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*problem.model.state_dict().values(), torch.get_rng_state()]

    alone, probed = train(probe=False), train(probe=True)

    assert all(torch.equal(a, b) for a, b in zip(alone, probed, strict=True))


def test_the_gauss_newton_part_is_what_the_output_alone_curves() -> None:
    problem = KINDS["mlp"]()
    loss, run = problem.passed()
    vector = problem.vector()
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

    with replayed_products(tail_of(loss, run), run, problem.parameters, gauss_newton=True) as gauss_newton:
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
    truth = problem.hessian() @ problem.vector()
    model = WithLoss(problem.model)
    output = model(problem.inputs, targets=problem.targets)
    given = ((problem.inputs,), {"targets": problem.targets})
    run = Pass(model, *given, tuple(t._version for t in tensors_in(given)), outputs_of(output), ())

    with replayed_products(tail_of(output["loss"], run), run, problem.parameters) as hessian:
        found = hessian(problem.vector())

    assert _relative(found, truth) < CLOSE


def test_a_loss_linear_in_the_output_has_the_models_curvature_alone() -> None:
    problem = KINDS["mlp"]()
    output = problem.output()
    run = Pass(problem.model, (problem.inputs,), {}, (problem.inputs._version,), outputs_of(output), ())

    with replayed_products(tail_of(output.sum(), run), run, problem.parameters, gauss_newton=True) as gauss_newton:
        found = gauss_newton(problem.vector())

    assert not found.any()


def test_a_share_of_a_loss_that_the_model_gives_beside_its_logits_counts_once() -> None:
    class WithLoss(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            logits = self.inner(inputs)
            return functional.cross_entropy(logits, targets), logits

    problem = KINDS["mlp"]()
    truth = problem.hessian() @ problem.vector() / 4
    given = (problem.inputs, problem.targets)
    model = WithLoss(problem.model)
    output = model(*given)
    run = Pass(model, given, {}, (0, 0), outputs_of(output))

    with replayed_products(tail_of(output[0] / 4, run), run, problem.parameters) as hessian:
        found = hessian(problem.vector())

    assert _relative(found, truth) < CLOSE


def test_under_autocast_the_model_runs_again_under_autocast() -> None:
    problem = KINDS["mlp"]()
    truth = problem.hessian() @ problem.vector()
    with torch.autocast("cpu", torch.bfloat16):
        casts = casts_on("cpu", "cpu")
        output = problem.output()
        loss = functional.cross_entropy(output, problem.targets)
    run = Pass(problem.model, (problem.inputs,), {}, (0,), outputs_of(output), (), casts)
    bare = Pass(problem.model, (problem.inputs,), {}, (0,), outputs_of(output))

    again, apart = (rehearse(tail_of(loss, one), one, problem.parameters) for one in (run, bare))
    with replayed_products(tail_of(loss, run), run, problem.parameters) as hessian:
        found = hessian(problem.vector())

    assert float(again.drift) == 0.0
    assert float(apart.drift) > 0.0
    assert _relative(found, truth) < 8 * 2**-8  # a handful of roundings of 8 bits each
    assert not torch.is_autocast_enabled("cpu")


def test_a_rehearsal_tells_a_model_that_has_become_another() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = nn.Linear(6, 3), 0

        def forward(self, inputs: Tensor) -> Tensor:
            self.calls += 1
            out: Tensor = self.inner(inputs) * self.calls
            return out

    problem = KINDS["mlp"]()
    steady, counting = problem.model, Counting()
    found = []
    for model in (steady, counting):
        output = model(problem.inputs)
        run = Pass(model, (problem.inputs,), {}, (0,), outputs_of(output))
        found.append(rehearse(tail_of(output.square().sum(), run), run, list(model.parameters())))

    assert float(found[0].drift) == 0.0
    assert float(found[1].drift) == pytest.approx(256.0)  # 2z instead of z, over 4 / 1024
    assert counting.calls == 1


def test_a_rehearsal_finds_what_stands_in_the_way_inside_of_the_model() -> None:
    class Forgetful(nn.Module):
        def __init__(self, *, reentrant: bool) -> None:
            super().__init__()
            self.inner, self.reentrant = nn.Linear(6, 3), reentrant

        def forward(self, inputs: Tensor) -> Tensor:
            out: Tensor = checkpoint(self.inner, inputs, use_reentrant=self.reentrant)
            return out

    problem = KINDS["mlp"]()
    given = problem.inputs.clone().requires_grad_()
    found = []
    for reentrant in (False, True):
        model = Forgetful(reentrant=reentrant)
        output = model(given)
        run = Pass(model, (given,), {}, (0,), outputs_of(output))
        found.append(rehearse(tail_of(output.sum(), run), run, list(model.parameters())))

    assert [seen.survey.obstacle for seen in found] == [Obstacle.NONE, Obstacle.REENTRANT]


def test_checkpoints_inside_of_the_model_are_gone_through_again_and_again() -> None:
    class Forgetful(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, inputs: Tensor) -> Tensor:
            out: Tensor = checkpoint(self.inner, inputs, use_reentrant=False)
            return out

    problem = KINDS["mlp"]()
    truth = problem.hessian()
    model = Forgetful(problem.model)
    output = model(problem.inputs)
    loss, run = (
        functional.cross_entropy(output, problem.targets),
        Pass(model, (problem.inputs,), {}, (0,), outputs_of(output)),
    )

    with replayed_products(tail_of(loss, run), run, problem.parameters) as hessian:
        columns = torch.stack([hessian(one) for one in torch.eye(len(truth))])
    loss.backward()

    assert _relative(columns, truth) < CLOSE
