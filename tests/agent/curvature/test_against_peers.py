"""Our products, eigenvalues and traces against those of libraries that others wrote; skipped where none is there."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ergoscope.curvature.lanczos import Lanczos, ritz
from ergoscope.curvature.live import live_products
from ergoscope.curvature.parts import split
from ergoscope.curvature.trace import Deflation, Hutchinson, estimate_traces

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peers'

CLOSE = 1e-3  # relative: fp64 loses far less, and 40 of 51 steps leave the five top values less than this away
Multiply = Callable[[Tensor], Tensor]


class _Problem:
    """A net of 51 weights in fp64 and its batch of 30."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
        with torch.no_grad():
            for p in self.model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64))
        self.inputs = torch.randn(30, 4, generator=generator, dtype=torch.float64)
        self.targets = torch.randint(3, (30,), generator=generator)
        self.parameters = list(self.model.parameters())
        self.size = sum(p.numel() for p in self.parameters)

    def loss(self) -> Tensor:
        return nn.functional.cross_entropy(self.model(self.inputs), self.targets)


def _curvlinops(problem: _Problem) -> Multiply:
    peer = pytest.importorskip("curvlinops")
    data = [(problem.inputs, problem.targets)]
    operator = peer.HessianLinearOperator(problem.model, nn.CrossEntropyLoss(), problem.parameters, data)
    return lambda vector: operator @ vector


def _eigenthings(problem: _Problem) -> Multiply:
    peer = pytest.importorskip("hessian_eigenthings")
    loss = peer.supervised_loss(nn.CrossEntropyLoss())
    operator = peer.HessianOperator(problem.model, [(problem.inputs, problem.targets)], loss)
    return lambda vector: operator.matvec(vector)


def _pyhessian(problem: _Problem) -> Multiply:
    peer = pytest.importorskip("pyhessian")
    data = (problem.inputs, problem.targets)
    operator = peer.hessian(problem.model, nn.CrossEntropyLoss(), data=data, cuda=False)
    utilities = pytest.importorskip("pyhessian.utils")

    def multiply(vector: Tensor) -> Tensor:
        parts = split(vector, operator.params)
        found = utilities.hessian_vector_product(operator.gradsH, operator.params, parts)
        return torch.cat([part.reshape(-1) for part in found])

    return multiply


@pytest.fixture(params=[_curvlinops, _eigenthings, _pyhessian], ids=["curvlinops", "hessian-eigenthings", "PyHessian"])
def compared(request: pytest.FixtureRequest) -> tuple[_Problem, Tensor]:
    """The problem, and its Hessian by a peer, column by column."""
    problem = _Problem()
    multiply: Multiply = request.param(problem)
    columns = [multiply(one) for one in torch.eye(problem.size, dtype=torch.float64)]
    return problem, torch.stack(columns).detach()


def test_products_are_a_peers(compared: tuple[_Problem, Tensor]) -> None:
    problem, theirs = compared
    vector = torch.arange(problem.size, dtype=torch.float64).sin()

    with live_products(problem.loss(), problem.parameters) as hessian:
        ours = hessian(vector)

    assert torch.allclose(ours, theirs @ vector, rtol=CLOSE, atol=CLOSE * float(theirs.norm()))


def test_the_top_eigenvalues_are_those_of_a_peers_matrix(compared: tuple[_Problem, Tensor]) -> None:
    problem, theirs = compared
    run = Lanczos.random(problem.size, seed=0, keep=True, dtype=torch.float64)

    with live_products(problem.loss(), problem.parameters) as hessian:
        for _ in range(40):
            run.step(hessian)

    ours = torch.from_numpy(ritz(*run.coefficients().numpy()).values[-5:])
    assert torch.allclose(ours, torch.linalg.eigvalsh(theirs)[-5:], rtol=CLOSE)


def test_the_trace_is_that_of_a_peers_matrix(compared: tuple[_Problem, Tensor]) -> None:
    problem, theirs = compared
    run = Lanczos.random(problem.size, seed=0, keep=True, dtype=torch.float64)

    with live_products(problem.loss(), problem.parameters) as hessian:
        for _ in range(40):
            run.step(hessian)
        rest = Hutchinson(problem.size, seed=1, deflation=Deflation.by_lanczos(run), dtype=torch.float64)
        for _ in range(8):
            rest.step(hessian)

    ours = estimate_traces(rest.readings().numpy())
    truth = float(theirs.trace())
    assert abs(ours.trace - truth) < max(4 * ours.trace_error, CLOSE * truth)


def test_pyhessian_itself_comes_to_the_same_top_eigenvalue_and_trace() -> None:
    peer = pytest.importorskip("pyhessian")
    problem = _Problem()
    torch.manual_seed(0)
    operator = peer.hessian(problem.model, nn.CrossEntropyLoss(), data=(problem.inputs, problem.targets), cuda=False)
    theirs, _ = operator.eigenvalues(maxIter=1000, tol=1e-6, top_n=1)
    draws = torch.tensor(operator.trace(maxIter=400, tol=0.0), dtype=torch.float64)
    run = Lanczos.random(problem.size, seed=0, keep=True, dtype=torch.float64)

    with live_products(problem.loss(), problem.parameters) as hessian:
        for _ in range(problem.size):
            run.step(hessian)

    ours = ritz(*run.coefficients().numpy()).values
    assert float(ours[-1]) == pytest.approx(theirs[0], rel=CLOSE)
    error = float(draws.std()) / len(draws) ** 0.5
    assert abs(float(ours.sum()) - float(draws.mean())) < 4 * error
