"""The steepest directions that slices go along: how they are reached, and what is said where they are not."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD

from ergoscope.curvature import slices as losses
from ergoscope.curvature.ladder import Products
from ergoscope.curvature.lanczos import Lanczos, ritz
from ergoscope.probes.slices import slicing
from ergoscope_contract.records import Grid
from ergoscope_contract.slices import SliceRequest
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import LossFn, Valley, descend, slice_of, watch

WIDE = np.linspace(-59.0, 1.0, 400)  # a bulk without a gap, whose steep end is the smaller one


def asked_of_wide() -> tuple[Valley, MemoryOutlet]:
    model, outlet = Valley(WIDE.tolist()), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=1e-4)
    taps = watch(model, optimizer, outlet, SliceRequest("s1", points=5))
    descend(model, optimizer, 40)
    taps.detach()
    return model, outlet


def after(model: Valley, products: int) -> tuple[float, float]:
    """Curvature along the steepest direction that so many products find, and its residual as a share of it."""
    lanczos = Lanczos.random(400, seed=0, keep=True, dtype=torch.float64)
    for _ in range(products):
        lanczos.step(model.matrix.mv)
    axis = lanczos.vector(ritz(*lanczos.coefficients().numpy()).components[:, -1])
    curvature = float(axis @ model.matrix @ axis)
    return curvature, float((model.matrix @ axis - curvature * axis).norm()) / curvature


def test_a_direction_that_sixty_products_do_not_reach_says_how_far_it_is_off() -> None:
    model, outlet = asked_of_wide()

    curvature, off = after(model, 60)
    grid = outlet.grids()[-1]
    assert off > 0.01
    assert grid.curvatures[0] == pytest.approx(curvature, rel=1e-9)
    assert grid.how == f"exact; steepest direction after 60 products, residual {100 * off:.2g} %"


def test_that_it_takes_more_than_usual_is_told_once_before_anything_is_measured() -> None:
    model, outlet = asked_of_wide()

    _, off = after(model, 21)
    told = [event for event in outlet.events("agent") if event.data.get("quantities") == ["loss_slice"]]
    assert [event.text for event in told] == [
        "a slice that was asked for takes longer: steepest direction after 21 products, "
        f"residual {100 * off:.2g} %, and up to 60 are made"
    ]
    assert outlet.records.index(told[0]) < outlet.records.index(outlet.grids()[0])


def test_a_direction_that_is_reached_needs_no_word() -> None:
    grids, _, _ = slice_of(SliceRequest("s1", dimensions=2, points=5))

    assert grids[-1].how == "exact"


def test_with_less_memory_it_takes_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot needs eight vectors and two slots eleven: of forty no second slot is left once thirty are kept."""
    monkeypatch.setattr(slicing, "needed", lambda size, vectors, _: float(vectors))
    monkeypatch.setattr(slicing, "spare", lambda _: 40.0 - len(products))
    products: list[int] = []
    step = Lanczos.step

    def counted(lanczos: Lanczos, product: Callable[[Tensor], Tensor]) -> None:
        products.append(1)
        step(lanczos, product)

    monkeypatch.setattr(Lanczos, "step", counted)
    _, outlet = asked_of_wide()

    grid = outlet.grids()[-1]
    assert grid.refused == ""
    assert len(products) == 30
    assert "; steepest direction after 30 products" in grid.how


def test_six_products_are_made_where_there_is_room_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "lasting", lambda size, vectors, _: vectors != 6)
    _, outlet = asked_of_wide()

    assert "; steepest direction after 6 products" in outlet.grids()[-1].how


def net() -> tuple[nn.Sequential, LossFn, Callable[[Tensor], Tensor]]:
    """A tanh net on overlapping groups of points, its loss, and that as a function of all weights in one vector."""
    torch.manual_seed(0)
    labels = torch.arange(64) % 4
    points = torch.randn(64, 6, dtype=torch.float64) + torch.eye(6, dtype=torch.float64)[labels]
    model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 4)).double()

    def loss(one: nn.Module, _: object) -> Tensor:
        return cross_entropy(one(points), labels)

    def of(weights: Tensor) -> Tensor:
        pieces = torch.split(weights, [p.numel() for p in model.parameters()])
        given = {n: v.view(p.shape) for (n, p), v in zip(model.named_parameters(), pieces, strict=True)}
        return cross_entropy(torch.func.functional_call(model, given, (points,)), labels)

    return model, loss, of


def seen_axes(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    axes: list[Tensor] = []

    def outline(products: Products, given: Sequence[Tensor]) -> Tensor:
        axes.extend(given)
        return losses.outline(products, given)

    monkeypatch.setattr(slicing, "outline", outline)
    return axes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from its function transforms
@pytest.mark.parametrize("trained", [0, 200])
def test_of_a_net_both_axes_are_eigenvectors_to_the_residual_that_is_said(
    trained: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, loss, of = net()
    optimizer, outlet = SGD(model.parameters(), lr=0.5), MemoryOutlet()

    def step() -> None:
        optimizer.zero_grad()
        loss(model, 0).backward()
        optimizer.step()

    for _ in range(trained):
        step()
    axes = seen_axes(monkeypatch)
    taps = watch(model, optimizer, outlet, SliceRequest("s1", dimensions=2, points=5), loss_fn=loss)
    path = []
    for _ in range(60):
        step()
        path.append(torch.cat([p.detach().reshape(-1) for p in model.parameters()]))
    taps.detach()

    grid: Grid = outlet.grids()[-1]
    hessian = torch.func.hessian(of)(path[grid.step - 1])
    values, vectors = torch.linalg.eigh(hessian)
    assert grid.how == "exact"  # settled: residuals are a hundredth of the largest eigenvalue at most
    bound = 0.01 * float(values[-1])
    for place, axis in enumerate(axes, 1):
        image = hessian @ axis
        assert float((image - (axis @ image) * axis).norm()) <= bound * 1.001
        apart = (values - values[-place]).abs()
        apart[-place] = torch.inf
        sine = float((1 - (vectors[:, -place] @ axis).square()).clamp_min(0).sqrt())
        assert sine <= bound / (float(apart.min()) - bound)  # Davis, Kahan (1970)
        assert grid.curvatures[place - 1] == pytest.approx(float(values[-place]), abs=bound)
