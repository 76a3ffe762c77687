"""Products on a fixed batch."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.nn.attention import SDPBackend, sdpa_kernel

from ergoscope.curvature.ladder import How, agrees
from ergoscope.curvature.objective import Objective
from ergoscope.curvature.probed import probed_products
from tests.agent.curvature.nets import KINDS, Problem
from tests.agent.curvature.test_graph import Cube
from tests.agent.jobs import everything, same_bits

SEED = 0


def objective_of(problem: Problem, *, of_each: bool = False) -> Objective:
    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[0]), batch[1], reduction="none" if of_each else "mean")

    made = Objective.of(problem.model, (problem.inputs, problem.targets), loss)
    assert made is not None
    return made


def relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("of_each", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_the_hessian(kind: str, of_each: bool) -> None:
    problem = Problem(*(lambda p: (p.model, p.inputs, p.targets))(KINDS[kind]()), seed=SEED)
    size = sum(p.numel() for p in problem.parameters)
    vector = torch.randn(size, generator=torch.Generator().manual_seed(1))
    with sdpa_kernel(SDPBackend.MATH):
        slope = torch.cat(
            [g.reshape(-1) for g in torch.autograd.grad(problem.loss(), problem.parameters, create_graph=True)]
        )
        truth = torch.cat([g.reshape(-1) for g in torch.autograd.grad(slope @ vector, problem.parameters)])

    with (
        torch.no_grad(),
        probed_products(
            objective_of(problem, of_each=of_each), problem.parameters, seed=SEED, trusted=frozenset()
        ) as probed,
    ):
        found = probed.products(vector)

    assert probed.how is How.EXACT
    assert probed.doubt is None
    assert relative(found, truth) < 1e-5  # sums of a few hundred terms in fp32


@pytest.mark.parametrize("differences", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_job_is_another_afterwards(kind: str, differences: bool) -> None:
    problem = KINDS[kind]()
    before = [tensor.clone() for tensor in everything(problem.model, [])]

    with torch.no_grad():
        with probed_products(
            objective_of(problem), problem.parameters, seed=SEED, trusted=frozenset(), differences=differences
        ) as probed:
            probed.products(probed.products.gradient)
        mode = torch.is_grad_enabled()

    assert not mode
    assert same_bits(everything(problem.model, []), before)
    assert probed.how is (How.DIFFERENCE if differences else How.EXACT)


def cubes(weight: Tensor) -> Objective:
    """The loss Σw³ by a function whose second derivative is dropped, and ½w² beside it."""
    return Objective(nn.ParameterList([weight]), lambda _: Cube.apply(weight).sum() + 0.5 * weight.square().sum())


def test_a_function_that_drops_curvature_is_in_doubt_and_differences_see_it() -> None:
    weight = nn.Parameter(torch.full((3,), 2.0))

    with probed_products(cubes(weight), [weight], seed=SEED, trusted=frozenset()) as probed:
        doubt = float(probed.doubt) if probed.doubt is not None else 0.0
    with probed_products(cubes(weight), [weight], seed=SEED, trusted=frozenset(), differences=True) as instead:
        found = instead.products(torch.ones(3))

    assert probed.how is How.UNVERIFIED
    assert probed.custom == {"CubeBackward"}
    assert not agrees(doubt)
    assert doubt == pytest.approx(12 / 13, rel=0.02)  # of 6w + 1 only the 1 is left
    assert instead.how is How.DIFFERENCE
    assert found.tolist() == pytest.approx([13.0] * 3, rel=1e-3)


def test_a_function_that_is_trusted_is_not_compared_again() -> None:
    weight = nn.Parameter(torch.full((3,), 2.0))

    with probed_products(cubes(weight), [weight], seed=SEED, trusted=frozenset({"CubeBackward"})) as probed:
        pass

    assert probed.how is How.EXACT
    assert probed.doubt is None


def test_fused_attention_with_dropout_is_differenced() -> None:
    inner = nn.Linear(8, 24)

    def loss(model: nn.Module) -> Tensor:
        query, key, value = model(torch.linspace(-1, 1, 80).view(2, 5, 8)).view(2, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(query, key, value, dropout_p=0.2).square().mean()

    with probed_products(Objective(inner, loss), list(inner.parameters()), seed=SEED, trusted=frozenset()) as probed:
        found = probed.products(probed.products.gradient)

    assert bool(found.isfinite().all())
    assert probed.how in (How.DIFFERENCE, How.EXACT)  # a torch without a fused kernel for it writes it out


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (3.0, "loss_fn must give a tensor of losses, and gives float"),
        (torch.ones(2, dtype=torch.int64), "loss_fn must give a tensor of losses, and gives torch.int64"),
        (torch.ones(2), "the loss has no graph"),
    ],
)
def test_what_is_no_loss_is_refused(given: object, text: str) -> None:
    weight = nn.Parameter(torch.ones(2))
    objective = Objective(nn.ParameterList([weight]), lambda _: given)

    with (
        pytest.raises(ValueError, match=text),
        probed_products(objective, [weight], seed=SEED, trusted=frozenset()),
    ):
        pass
