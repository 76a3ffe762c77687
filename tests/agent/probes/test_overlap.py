"""How much of the gradient lies in the steepest directions, and whether these stay, through the whole agent."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from ergoscope.curvature.overlap import chance_overlap
from ergoscope.lineup import MARGIN, SPECTRUM
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import Bowl, watch
from tests.agent.probes.spectra import Job, Valley, latest

STEEP = np.concatenate([[20.0, 14.0, 9.0], np.linspace(-1.0, 1.0, 57)])
LOOKS = 25  # of a reading on a fixed batch


@pytest.mark.known_answer("top_subspace_overlap", "top_subspace_chance", "top_subspace_size")
def test_of_a_quadratic_it_is_the_share_in_the_eigenvectors() -> None:
    model, outlet = Bowl(torch.from_numpy(STEEP).float()), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.0)

    taps = watch(model, optimizer, outlet, probe=0, loss_fn=lambda one, _: one(), tasks=(SPECTRUM,))
    for _ in range(LOOKS + 1):
        model().backward()
        optimizer.step()
        optimizer.zero_grad()
    taps.detach()

    count = int(latest(outlet, "top_subspace_size"))
    assert 3 <= count <= 5  # and of the bulk what every draw has told apart
    shares = np.sort(STEEP)[::-1][:count] ** 2  # the gradient is the diagonal, as all weights are 1
    assert latest(outlet, "top_subspace_overlap") == pytest.approx(shares.sum() / (STEEP**2).sum(), rel=1e-5)
    assert latest(outlet, "top_subspace_chance") == count / 60


@pytest.mark.known_answer(
    "top_subspace_persistence", "top_subspace_persistence_chance", "top_subspace_persistence_size"
)
@pytest.mark.parametrize("fixed", [True, False])
def test_the_steepest_directions_of_a_hessian_that_stays_stay_and_of_another_one_are_chance(fixed: bool) -> None:
    size, generator = 300, torch.Generator().manual_seed(1)
    values = np.concatenate([[20.0, 14.0, 9.0], np.linspace(-1.0, 1.0, size - 3)])
    turn, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    model = Valley(np.diag(values))
    job = Job(model, model, fixed=model if fixed else None)
    job.probe._classes = lambda: 3

    job.until(6)  # of draws of its own after those of the first
    model.matrix = (turn @ model.matrix.double() @ turn.T).float()
    found = job.until(11).series("top_subspace_persistence")

    stayed, *_, turned = found.values()
    assert len(found) == 6
    count = latest(job.outlet, "top_subspace_persistence_size")
    assert count == 3
    assert latest(job.outlet, "top_subspace_persistence_chance") == count / size
    # The draws have found the directions so that both readings are off by their residuals over the gaps at most.
    assert stayed == pytest.approx(1.0, abs=1e-3)
    assert abs(turned - 3 / size) < 4 * chance_overlap(3, size)[1] / 3**0.5


@pytest.mark.known_answer("top_subspace_persistence_error")
def test_the_error_of_what_stays_is_the_standard_error_over_draws_at_known_turns() -> None:
    model, shares = Valley(np.diag(STEEP), dtype=torch.float64), []
    angles = iter([0.0] * 5 + [0.1, 0.3, 0.5, 0.2, 0.7])

    def loss() -> Tensor:
        angle = next(angles)
        shares.append(np.cos(angle) ** 2)
        turn = torch.eye(60, dtype=torch.float64)
        turn[0, 0] = turn[59, 59] = np.cos(angle)
        turn[59, 0] = np.sin(angle)
        turn[0, 59] = -np.sin(angle)
        model.matrix = turn @ torch.from_numpy(np.diag(STEEP)) @ turn.T
        out: Tensor = model()
        return out

    job = Job(model, loss)
    job.probe._classes = lambda: 1
    outlet = job.until(6)

    assert latest(outlet, "top_subspace_persistence") == pytest.approx(np.mean(shares[5:]), rel=1e-4)
    error = np.std(shares[5:], ddof=1) / 5**0.5
    assert latest(outlet, "top_subspace_persistence_error") == pytest.approx(error, rel=1e-3)


@pytest.mark.known_answer("top_subspace_overlap_error")
def test_the_error_is_the_standard_error_over_draws_at_known_gradients() -> None:
    """On the training's own batch a draw takes one step, of which the gradient is known."""
    model, shares = Valley(STEEP, dtype=torch.float64), []
    pulls = iter(torch.randn(5, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 20)

    def loss() -> Tensor:
        pull = next(pulls)
        shares.append(float((model.matrix + pull)[:1].square().sum() / (model.matrix + pull).square().sum()))
        out: Tensor = model() + (pull * model.weight).sum()
        return out

    job = Job(model, loss)
    job.probe._classes = lambda: 1
    outlet = job.until(1)

    assert latest(outlet, "top_subspace_size") == 1
    assert latest(outlet, "top_subspace_overlap") == pytest.approx(np.mean(shares), rel=1e-4)
    assert latest(outlet, "top_subspace_overlap_error") == pytest.approx(np.std(shares, ddof=1) / 5**0.5, rel=1e-3)


def classifier() -> tuple[nn.Module, Tensor, Tensor]:
    """Three groups of points that overlap, and a tanh net."""
    torch.manual_seed(0)
    labels = torch.arange(48) % 3
    points = torch.randn(48, 2) + 1.5 * torch.eye(3)[labels][:, :2]
    return nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 3)), points, labels


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from its function transforms
def test_the_gradient_of_a_net_trained_on_small_batches_lies_mostly_in_its_steepest_directions() -> None:
    (model, points, labels), outlet = classifier(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.3)

    def loss(one: nn.Module, _: object) -> Tensor:
        return functional.cross_entropy(one(points), labels)

    def step() -> None:
        batch = torch.randperm(48)[:4]
        optimizer.zero_grad()
        functional.cross_entropy(model(points[batch]), labels[batch]).backward()
        optimizer.step()

    for _ in range(300):
        step()
    optimizer.param_groups[0]["lr"] = 0.0
    taps = watch(model, optimizer, outlet, probe=0, loss_fn=loss, tasks=(SPECTRUM, MARGIN))
    for _ in range(LOOKS + 1):
        step()
    taps.detach()

    count = int(latest(outlet, "top_subspace_size"))
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()]).double()

    def of(weights: Tensor) -> Tensor:
        pieces = torch.split(weights, [p.numel() for p in model.parameters()])
        given = {n: v.view(p.shape) for (n, p), v in zip(model.named_parameters(), pieces, strict=True)}
        return functional.cross_entropy(torch.func.functional_call(model, given, (points.double(),)), labels)

    slope, (_, ways) = torch.func.grad(of)(flat), torch.linalg.eigh(torch.func.hessian(of)(flat))
    expected = float((ways[:, -count:].T @ slope).square().sum() / slope.square().sum())
    found, chance = latest(outlet, "top_subspace_overlap"), latest(outlet, "top_subspace_chance")
    assert count <= 3  # as many as there are classes
    assert found == pytest.approx(expected, abs=0.1)  # what counts as resolved
    assert chance == count / len(flat)
    assert found > 5 * chance
