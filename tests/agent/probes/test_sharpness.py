"""The steepest curvature, through the whole agent."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from ergoscope.curvature.tracker import COLD
from ergoscope.curvature.vectors import normals
from tests.agent.curvature.matrices import five_on_a_bulk
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import Bowl, bowl, net, train, watch


def chebyshev() -> tuple[nn.Module, Callable[[], Tensor]]:
    """Twenty points of T₄, and a tanh net of two layers of 40."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 20)[:, None]
    y = torch.cos(4 * torch.acos(x))
    model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    return model, lambda: (model(x) - y).square().mean()


def along_gradient(loss: Tensor, model: nn.Module) -> float:
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    square = torch.stack([(g * g.detach()).sum() for g in gradients]).sum()
    images = torch.autograd.grad(square, parameters)
    pairs = list(zip(gradients, images, strict=True))
    with torch.no_grad():
        return float(sum((g * h).sum() for g, h in pairs) / sum(g.square().sum() for g in gradients))


@pytest.mark.known_answer("lambda_max")
def test_the_top_of_a_known_spectrum_is_found_within_a_percent() -> None:
    model, outlet = Bowl(torch.from_numpy(five_on_a_bulk()).float()), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=1e-3)

    train(optimizer, model, watch(model, optimizer, outlet), steps=10)

    series = outlet.series("lambda_max")
    assert list(series) == list(range(1, 11))
    assert all(value == pytest.approx(50.0, rel=0.01) for value in series.values())
    assert max(series.values()) <= 50.0 * (1 + 1e-6)


@pytest.mark.known_answer("lambda_max_residual")
def test_the_residual_is_that_of_the_top_vector_in_the_space_of_the_products() -> None:
    diagonal = torch.linspace(0, 50, 200, dtype=torch.float64)
    model, outlet = Bowl(diagonal), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=1e-3)

    train(optimizer, model, watch(model, optimizer, outlet), steps=1)

    space = [normals(200, seed=0, dtype=torch.float64).numpy()]
    for _ in range(COLD - 1):
        image = diagonal.numpy() * space[-1]
        space.append(image / np.linalg.norm(image))
        space[-1] = np.linalg.qr(np.stack(space, 1))[0][:, -1]
    basis = np.linalg.qr(np.stack(space, 1))[0]
    values, vectors = np.linalg.eigh(basis.T @ (diagonal.numpy()[:, None] * basis))
    top = basis @ vectors[:, -1]
    residual = np.linalg.norm(diagonal.numpy() * top - values[-1] * top)
    assert outlet.series("lambda_max")[1] == pytest.approx(values[-1], rel=1e-6)
    assert outlet.series("lambda_max_residual")[1] == pytest.approx(residual, rel=1e-5)


@pytest.mark.known_answer("sharpness_ratio")
def test_full_batch_gradient_descent_sits_at_its_edge() -> None:
    (model, loss), outlet = chebyshev(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.2)

    train(optimizer, loss, watch(model, optimizer, outlet, due=8), steps=2000)

    ratio = outlet.series("sharpness_ratio")
    assert 0.97 < np.mean([value for step, value in ratio.items() if step > 1000]) < 1.03
    assert all(value == pytest.approx(0.1 * outlet.series("lambda_max")[step]) for step, value in ratio.items())


@pytest.mark.known_answer("lambda_max_precond")
def test_adam_tends_to_its_edge_in_its_own_coordinates() -> None:
    (model, loss), outlet = chebyshev(), MemoryOutlet()
    optimizer = Adam(model.parameters(), lr=2e-3)

    train(optimizer, loss, watch(model, optimizer, outlet, due=8), steps=2000)

    scaled = outlet.series("lambda_max_precond")
    tail = [value * 2e-3 / 38 for step, value in scaled.items() if step > 1000]
    assert 0.8 < np.mean(tail) < 1.1  # at the edge, by definition of that
    assert np.mean(list(scaled.values())[:5]) * 2e-3 / 38 < 0.5  # and it came from below
    assert outlet.series("sharpness_ratio")[1992] == pytest.approx(scaled[1992] * 2e-3 / 38, rel=1e-5)
    assert not scaled.keys() & outlet.series("lambda_max").keys()  # in turn


@pytest.mark.known_answer("batch_sharpness")
def test_the_curvature_that_a_batch_feels_along_its_own_gradient() -> None:
    (model, x, y), outlet, expected = net(), MemoryOutlet(), []
    optimizer = SGD(model.parameters(), lr=0.1)

    def loss() -> Tensor:
        batch = torch.randperm(8)[:4]
        made = (model(x[batch]) - y[batch]).square().mean()
        expected.append(along_gradient((model(x[batch]) - y[batch]).square().mean(), model))
        return made

    train(optimizer, loss, watch(model, optimizer, outlet), steps=5)

    assert outlet.series("batch_sharpness") == pytest.approx({1: expected[0], 5: expected[4]}, rel=1e-5)
    assert outlet.series("dir_sharpness") == {}


@pytest.mark.known_answer("dir_sharpness")
def test_the_curvature_of_the_fixed_batch_along_its_gradient_after_the_step() -> None:
    (model, x, y), outlet, expected = net(), MemoryOutlet(), []
    optimizer = SGD(model.parameters(), lr=0.1)

    def probed(one: nn.Module, _: object) -> Tensor:
        losses: Tensor = (one(x) - y).square().mean(1)
        return losses

    taps = watch(model, optimizer, outlet, probe=0, loss_fn=probed)
    for _ in range(5):
        optimizer.zero_grad()
        model(x[:2]).square().mean().backward()
        optimizer.step()
        expected.append(along_gradient(probed(model, 0).mean(), model))
    taps.detach()

    assert outlet.series("dir_sharpness") == pytest.approx({1: expected[0], 5: expected[4]}, rel=1e-5)
    assert outlet.series("batch_sharpness") == {}


@pytest.mark.parametrize(
    ("settings", "edge"),
    [
        ({}, 2 / 0.1),
        ({"momentum": 0.9}, 2 * 1.9 / 0.1),
        ({"momentum": 0.9, "nesterov": True}, 2 * 1.9 / (2.8 * 0.1)),
    ],
)
def test_the_ratio_is_to_what_the_optimizer_holds(settings: dict[str, float], edge: float) -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1, **settings)  # type: ignore[arg-type]  # settings of it

    train(optimizer, model, watch(model, optimizer, outlet), steps=2)

    assert outlet.series("sharpness_ratio")[2] == pytest.approx(5.0 / edge, rel=1e-5)
