"""Slices that are asked for, of losses that are known, from the request to the grid."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature.fingerprint import fingerprint
from ergoscope.curvature.plan import Curvature
from ergoscope.taps import attach
from ergoscope_contract.slices import SliceRequest
from tests.agent.jobs import conv, image_batch
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.sliced import SPECTRUM, Valley, always, descend, floats, of_valley, slice_of, watch

STEEPEST = ("steepest direction", "second steepest direction")


@pytest.mark.known_answer("loss_slice")
def test_of_a_quadratic_the_fitted_curvature_is_the_eigenvalue() -> None:
    grids, model, path = slice_of(SliceRequest("s1", dimensions=2, points=21))

    grid = grids[-1]
    values = floats(grid.values).reshape(21, 21)
    for axis, line in enumerate((values[:, 10], values[10])):
        offsets = floats(grid.offsets[axis])
        fitted = 2 * np.polynomial.Polynomial.fit(offsets, line, 2).convert().coef[2]
        assert fitted == pytest.approx(SPECTRUM[axis], rel=1e-6)
        assert grid.curvatures[axis] == pytest.approx(SPECTRUM[axis], rel=1e-6)
    assert grid.curvatures[2] == pytest.approx(0.0, abs=1e-6 * SPECTRUM[0])
    assert values[10, 10] == pytest.approx(float(model(path[grid.step]).detach()), rel=1e-12)
    assert tuple(grid.axes) == STEEPEST


def test_after_weights_that_were_no_numbers_no_update_is_told() -> None:
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, SliceRequest("s1", points=5))
    sound = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    optimizer.step()
    with torch.no_grad():
        model.weight.copy_(sound)  # as from a checkpoint
    descend(model, optimizer, 60)
    taps.detach()

    grid = outlet.grids()[-1]
    assert (grid.refused, grid.update) == ("", None)
    assert np.isfinite(floats(grid.values)).all()


def test_a_plane_is_the_quadratic_that_slopes_and_curvatures_predict() -> None:
    grids, _, _ = slice_of(SliceRequest("s1", axes="random", dimensions=2, points=5, extent=0.5))

    grid = grids[-1]
    (a, b), (gu, gv), (uu, vv, uv) = map(floats, grid.offsets), grid.slopes, grid.curvatures
    values = floats(grid.values).reshape(5, 5)
    u, v = np.meshgrid(a, b, indexing="ij")
    predicted = values[2, 2] + gu * u + gv * v + 0.5 * (uu * u**2 + vv * v**2) + uv * u * v
    assert abs(uv) > 0.01
    assert np.allclose(values, predicted, rtol=1e-10)
    assert a.tolist() == b.tolist() == [-0.5, -0.25, 0.0, 0.25, 0.5]


def test_along_the_last_update_it_is_the_loss_where_that_led_from_and_leads_on() -> None:
    grids, model, path = slice_of(SliceRequest("s1", axes="update", points=5))

    grid = grids[-1]
    before, here = path[grid.step - 1], path[grid.step]
    length = float((here - before).norm())
    assert grid.update == pytest.approx(length, rel=1e-9)
    expected = [
        float(model(here + offset * (here - before) / length).detach()) for offset in floats(grid.offsets[0]).tolist()
    ]
    assert floats(grid.values).tolist() == pytest.approx(expected, rel=1e-10)
    assert grid.axes == ["last update"]


def test_across_the_last_update_goes_the_gradient() -> None:
    grids, model, path = slice_of(SliceRequest("s1", axes="update", dimensions=2, points=5, extent=0.1))

    grid = grids[-1]
    here = path[grid.step].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(here), [here])
    moved = (here - path[grid.step - 1]).detach()
    moved = moved / moved.norm()
    across = gradient - (gradient @ moved) * moved
    expected = float(model(here + 0.1 * across / across.norm()).detach())
    assert grid.slopes == pytest.approx([float(gradient @ moved), float(across.norm())], rel=1e-8)
    assert floats(grid.values).reshape(5, 5)[2, 4] == pytest.approx(expected, rel=1e-10)
    assert grid.axes[1] == "gradient across the last update"


def test_how_far_it_goes_follows_from_curvature_and_updates() -> None:
    grids, _, _ = slice_of(SliceRequest("s1", points=5))

    grid = grids[-1]
    centre, half = floats(grid.values)[2], floats(grid.offsets[0])[-1]
    assert half == pytest.approx((2 * abs(centre) / SPECTRUM[0]) ** 0.5, rel=1e-6)
    assert grid.update is not None
    assert half > 3 * grid.update


def test_rows_are_sent_as_they_come_in() -> None:
    grids, _, _ = slice_of(SliceRequest("s1", axes="random", dimensions=2, points=5))

    missing = [int(np.isnan(floats(grid.values)).sum()) for grid in grids]
    assert missing == [19, 14, 10, 5, 0]  # the centre is there from the first
    assert [grid.partial for grid in grids] == [True] * 4 + [False]
    assert {grid.request for grid in grids} == {"s1"}
    assert len({grid.step for grid in grids}) == 1


def test_a_batch_is_known_by_its_content() -> None:
    model, outlet, batch = Valley(), MemoryOutlet(), torch.linspace(0, 1, 7)
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, SliceRequest("s1"), probe=batch)
    descend(model, optimizer, 30)
    taps.detach()

    assert outlet.grids()[-1].batch == fingerprint(batch)


def test_what_is_asked_again_is_measured_once_and_one_waits_for_the_other() -> None:
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    requests = SliceRequest("s1", points=5), SliceRequest("s2", axes="random", points=5)
    taps = watch(model, optimizer, outlet, *requests)  # at each step again
    descend(model, optimizer, 60)
    taps.detach()

    done = [(grid.request, grid.step) for grid in outlet.grids() if not grid.partial]
    assert [request for request, _ in done] == ["s1", "s2"]
    assert done[0][1] < done[1][1]


def spread(model: nn.Module, batch: object) -> Tensor:
    """The variance of an example's outputs."""
    out: Tensor = model(batch)
    return out.flatten(1).var(1)


def test_layers_that_normalise_are_shown_in_both_modes() -> None:
    torch.manual_seed(0)
    model, outlet = conv(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    request = SliceRequest("s1", points=5)
    taps = watch(model, optimizer, outlet, request, probe=torch.randn(6, 1, 8, 8), loss_fn=spread)
    for _ in range(60):
        x, y = image_batch()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    taps.detach()

    grid = outlet.grids()[-1]
    assert not grid.partial
    assert grid.mode == "batch statistics"
    assert np.isfinite(floats(grid.values)).all()
    assert np.isfinite(floats(grid.running)).all()
    assert not np.allclose(floats(grid.values), floats(grid.running))


def test_a_batch_that_is_given_for_curvature_alone_serves_as_well() -> None:
    model, outlet = Valley(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    plan = Curvature(probe=0, loss_fn=of_valley)
    taps = attach(
        model, optimizer, outlet, curvature=plan, requests=always(SliceRequest("s1", points=5)), clock=lambda: 0.0
    )
    descend(model, optimizer, 30)
    taps.detach()

    assert outlet.grids()[-1].refused == ""
