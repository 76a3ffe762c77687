"""The scaling under which one threshold serves: against the steps of torch's optimizers, with many kinds of groups."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

from ergoscope.curvature.precondition import Scaling, scaling
from ergoscope.curvature.thresholds import threshold
from tests.agent.curvature.companion import HELD, LATE, Make, companion, radius

SIZE = 4
SECOND = torch.tensor([0.3, 2.0, 1.0, 7.0], dtype=torch.float64)


def _halves(kind: Any, one: dict[str, object], other: dict[str, object], **rest: object) -> Make:
    def make(weights: Sequence[Tensor]) -> Optimizer:
        groups = [{"params": list(weights[:2]), **one}, {"params": list(weights[2:]), **other}]
        optimizer: Optimizer = kind(groups, **rest)
        return optimizer

    return make


def _adam(kind: Any, **rest: object) -> Make:
    one, other = ({"betas": (b, HELD), "lr": lr} for b, lr in ((0.9, 0.01), (0.6, 0.03)))
    return _halves(kind, {**one, "weight_decay": 1.0}, {**other, "weight_decay": 5.0}, eps=1e-3, **rest)


CASES: dict[str, tuple[Make, float, float]] = {  # the optimizer, steps made before, factor of clipping
    "rates": (_halves(SGD, {"lr": 0.1}, {"lr": 0.02}), LATE, 1.0),
    "momentum": (_halves(SGD, {"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}, lr=0.1), LATE, 1.0),
    "dampening and none": (_halves(SGD, {"momentum": 0.9, "dampening": 0.3}, {"lr": 0.3}, lr=0.1), LATE, 1.0),
    "decay and clipping": (_halves(SGD, {"weight_decay": 1.0}, {"weight_decay": 9.0, "lr": 0.03}, lr=0.1), LATE, 0.3),
    "Adam": (_adam(Adam), LATE, 1.0),
    "Adam, clipped": (_adam(Adam), LATE, 0.3),
    "Adam at step 5": (_adam(Adam), 4.0, 1.0),
    "AMSGrad": (_adam(Adam, amsgrad=True), LATE, 1.0),
    "AdamW": (_adam(AdamW), LATE, 1.0),
    "AdamW at step 5": (_adam(AdamW), 4.0, 1.0),
    "NAdam": (_adam(NAdam), LATE, 1.0),
    "NAdam at step 5": (_adam(NAdam), 4.0, 1.0),
    "NAdam, decay apart": (_adam(NAdam, decoupled_weight_decay=True), 4.0, 1.0),
    "RMSprop": (_halves(RMSprop, {"momentum": 0.9}, {"lr": 0.5}, lr=0.1, alpha=1.0, weight_decay=0.1), LATE, 1.0),
    "RMSprop, centred": (_halves(RMSprop, {"lr": 0.2}, {"lr": 0.5}, alpha=1.0, centered=True), LATE, 1.0),
}


def _random_hessian(*, least: float) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    axes, _ = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64))
    return (axes * torch.tensor([least, 1.0, 2.0, 3.0], dtype=torch.float64)) @ axes.T


def _scaling_of(optimizer: Optimizer) -> Scaling:
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    found = scaling(optimizer, weights, dtype=torch.float64)
    assert isinstance(found, Scaling)
    return found


def _top(found: Scaling, hessian: Tensor, clip: float) -> float:
    product = found.product(lambda v: hessian @ v, clip=clip)
    matrix = torch.stack([product(axis) for axis in torch.eye(SIZE, dtype=torch.float64)], dim=1)
    assert torch.allclose(matrix, matrix.T, rtol=1e-12, atol=0)
    return float(torch.linalg.eigvalsh(matrix)[-1])


def _hessian_at(share: float, found: Scaling, edge: float, clip: float, *, least: float) -> Tensor:
    """A multiple of the random Hessian with which the operator's top is this share of the edge."""
    shape, low, high = _random_hessian(least=least), 0.0, 1e14
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _top(found, middle * shape, clip) < share * edge else (low, middle)
    return low * shape


@pytest.mark.parametrize(("make", "made", "clip"), CASES.values(), ids=CASES.keys())
def test_groups_of_all_kinds_lose_stability_exactly_where_the_scaled_top_reaches_the_threshold(
    make: Make, made: float, clip: float
) -> None:
    _, optimizer = companion(make, torch.zeros(SIZE, SIZE, dtype=torch.float64), second=SECOND, made=made)
    found, edge = _scaling_of(optimizer), threshold(type(optimizer), optimizer.param_groups, clip=clip)
    assert edge.value is not None and edge.operator == "preconditioned"

    below, at, above = (
        companion(make, _hessian_at(share, found, edge.value, clip, least=0.1), second=SECOND, made=made, clip=clip)[0]
        for share in (0.999, 1.0, 1.001)
    )

    assert radius(below) < 1 < radius(above)
    assert (torch.linalg.eigvals(at) + 1).abs().min() < 1e-7


@pytest.mark.parametrize("name", ["momentum", "Adam"])
def test_beyond_the_threshold_it_swings_apart_whatever_the_other_eigenvalues(name: str) -> None:
    make, made, clip = CASES[name]
    _, optimizer = companion(make, torch.zeros(SIZE, SIZE, dtype=torch.float64), second=SECOND, made=made)
    found, edge = _scaling_of(optimizer), threshold(type(optimizer), optimizer.param_groups)
    assert edge.value is not None

    hessian = _hessian_at(1.001, found, edge.value, clip, least=-2.0)
    above, _ = companion(make, hessian, second=SECOND, made=made)

    assert torch.linalg.eigvals(above).real.min() < -1


def test_the_rate_over_the_squared_scale_is_the_step_that_adam_takes() -> None:
    weight = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    optimizer = Adam([weight], lr=0.01, betas=(0.8, 0.99))
    for step in range(7):
        before = weight.detach().clone()
        weight.grad = (weight + step).detach()
        optimizer.step()

    found = scaling(optimizer, [weight], dtype=torch.float64)

    assert isinstance(found, Scaling)
    expected = -0.01 * found.scale**2 * optimizer.state[weight]["exp_avg"]
    assert torch.allclose(weight.detach() - before, expected, rtol=1e-9, atol=0)
    assert (found.rate, found.sign, found.decay) == (0.01, 1.0, None)


def test_an_optimizer_that_climbs_turns_the_sign() -> None:
    weight = torch.ones(3, dtype=torch.float64, requires_grad=True)

    found = scaling(SGD([weight], lr=0.1, maximize=True), [weight], dtype=torch.float64)

    assert isinstance(found, Scaling)
    assert found.product(lambda v: -2 * v)(weight.detach()).tolist() == [2.0, 2.0, 2.0]


def test_rates_in_tensors_are_folded_in() -> None:
    weights = [torch.ones(1, requires_grad=True) for _ in range(2)]
    groups = [{"params": [w], "lr": torch.tensor(lr)} for w, lr in zip(weights, (0.1, 0.4), strict=True)]

    found = scaling(SGD(groups), weights)

    assert isinstance(found, Scaling)
    assert found.scale.tolist() == pytest.approx([1.0, 2.0])


def test_what_the_optimizer_does_not_move_has_scale_zero() -> None:
    moved, idle, foreign = (torch.ones(2, requires_grad=True) for _ in range(3))
    optimizer = Adam([moved, idle])
    moved.grad = torch.ones(2)
    optimizer.step()

    found = scaling(optimizer, [foreign, moved, idle])

    assert isinstance(found, Scaling)
    assert (found.scale > 0).tolist() == [False, False, True, True, False, False]


def test_nothing_of_the_state_is_changed() -> None:
    weight = torch.ones(3, requires_grad=True)
    optimizer = Adam([weight], amsgrad=True)
    weight.grad = torch.ones(3)
    optimizer.step()
    before = {name: value.clone() for name, value in optimizer.state[weight].items()}

    scaling(optimizer, [weight])

    assert all(torch.equal(value, before[name]) for name, value in optimizer.state[weight].items())


def test_why_there_is_none_is_said() -> None:
    real, twisted = torch.ones(1, requires_grad=True), torch.ones(1, dtype=torch.complex64, requires_grad=True)
    far = torch.ones(1, device="meta", requires_grad=True)
    mixed = SGD([{"params": [real]}, {"params": [far], "maximize": True}], lr=0.1)

    assert scaling(AdamW([real]), [real]) == "the optimizer has no state yet"
    assert scaling(torch.optim.LBFGS([real]), [real]) == "no closed form is known for LBFGS"
    assert scaling(SGD([real], lr=0.0), [real]) == "the learning rate is 0"
    assert scaling(SGD([real], lr=0.1), []) == "there are no parameters"
    assert scaling(SGD([twisted], lr=0.1), [twisted]) == "a parameter is complex"
    assert scaling(SGD([real, far], lr=0.1), [real, far]) == "parameters lie on several devices"
    assert scaling(mixed, [real, far]) == "some groups maximize and others do not"
