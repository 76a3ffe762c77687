"""Products by differences of gradients."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ergoscope.curvature.differences import DifferenceProducts, moved, replayed_differences
from ergoscope.curvature.live import live_products
from ergoscope.curvature.passes import Casts
from ergoscope.curvature.tail import Tail
from tests.agent.curvature.nets import KINDS
from tests.agent.curvature.test_graph import Cube

# What the share of the weights' norm leaves of rounding (1e-7 / 1e-3) and of curvature of higher order (1e-3 squared),
# with room for their constants.
NEAR = 2e-3


def _relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("kind", KINDS)
def test_replayed_differences_are_near_the_hessian(kind: str) -> None:
    problem = KINDS[kind]()
    truth = problem.hessian() @ problem.vector()
    loss, run = problem.passed()
    before = [t.clone() for t in problem.model.state_dict().values()]

    with replayed_differences(Tail.of(loss, run, problem.parameters), run, problem.parameters) as hessian:
        found = hessian(problem.vector())
    loss.backward()

    assert _relative(found, truth) < NEAR
    assert all(torch.equal(a, b) for a, b in zip(before, problem.model.state_dict().values(), strict=True))


def test_in_fp64_they_are_nearer_on_a_quadratic() -> None:
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    matrix = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)

    hessian = DifferenceProducts(lambda: matrix @ weight.detach(), [weight])

    assert torch.allclose(hessian(torch.ones(2, dtype=torch.float64)), matrix.sum(1), rtol=1e-9)
    assert torch.equal(hessian.gradient, matrix @ weight.detach())


def test_the_zero_vector_gives_zeros() -> None:
    weight = torch.ones(2, requires_grad=True)

    hessian = DifferenceProducts(lambda: 2 * weight.detach(), [weight])

    assert hessian(torch.zeros(2)).tolist() == [0.0, 0.0]


def test_they_catch_what_a_function_of_ones_own_drops_without_a_word() -> None:
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    vector = torch.ones(2)

    def slope() -> Tensor:
        return torch.autograd.grad((Cube.apply(weight) + weight**2).sum(), weight)[0]

    with live_products((Cube.apply(weight) + weight**2).sum(), [weight]) as hessian:
        wrong = hessian(vector)
    right = DifferenceProducts(slope, [weight])(vector)

    assert wrong.tolist() == [2.0, 2.0]
    assert torch.allclose(right, torch.tensor([8.0, 14.0]), rtol=NEAR)


def test_moved_weights_come_back_to_the_last_bit_and_look_unchanged() -> None:
    weight = torch.tensor([0.1, 1e8], requires_grad=True)
    bits, version = weight.detach().clone(), weight._version

    with pytest.raises(KeyError), moved([weight], torch.tensor([1.0, 1.0])):
        there = weight.detach().clone()
        raise KeyError

    assert there[0] == torch.tensor(0.1) + 1.0
    assert torch.equal(weight.detach(), bits)
    assert weight._version == version


def test_half_precision_is_refused() -> None:
    weight = torch.ones(2, dtype=torch.bfloat16, requires_grad=True)

    with pytest.raises(ValueError, match=r"in torch\.bfloat16, in which differences of gradients are mostly rounding"):
        DifferenceProducts(lambda: torch.zeros(2), [weight])


def test_a_pass_in_half_precision_is_refused() -> None:
    problem = KINDS["mlp"]()
    loss, run = problem.passed()
    halved = replace(run, casts=(Casts("cpu", enabled=True, dtype=torch.bfloat16),))
    tail = Tail.of(loss, run, problem.parameters)

    with (
        pytest.raises(ValueError, match="ran in half precision; differences of gradients are mostly rounding then"),
        replayed_differences(tail, halved, problem.parameters),
    ):
        pass
