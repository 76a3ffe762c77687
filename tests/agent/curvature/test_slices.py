"""Slices of losses that are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.curvature.objective import Objective
from ergoscope.curvature.products import HessianProducts
from ergoscope.curvature.slices import half_width, losses_at, outline, spread
from ergoscope.curvature.snapshot import Snapshot

SEED = 0


def quadratic() -> tuple[Tensor, Objective, Tensor]:
    """½ w'Aw + b'w + 3 in fp64, at random weights, and A."""
    torch.manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    matrix = turn @ torch.diag(torch.tensor([7.0, 4.0, 1.0, 0.5, -0.5, -2.0], dtype=torch.float64)) @ turn.T
    slope, weight = torch.randn(6, dtype=torch.float64), nn.Parameter(torch.randn(6, dtype=torch.float64))
    model = nn.ParameterList([weight])
    return weight, Objective(model, lambda _: 0.5 * weight @ matrix @ weight + slope @ weight + 3.0), matrix


def test_the_curvature_of_a_quadratics_slice_is_the_eigenvalue() -> None:
    weight, objective, matrix = quadratic()
    values, vectors = torch.linalg.eigh(matrix)
    snapshot, offsets = Snapshot(objective, [weight]), spread(0.5, 21)

    for value, axis in zip(values, vectors.T, strict=True):
        losses = losses_at(snapshot, [axis], [[offset] for offset in offsets], seed=SEED)

        fitted = 2 * np.polynomial.Polynomial.fit(offsets, losses[0].numpy(), 2).convert().coef[2]
        assert fitted == pytest.approx(float(value), rel=1e-6)


def test_a_plane_of_a_quadratic_is_what_its_outline_predicts() -> None:
    weight, objective, matrix = quadratic()
    torch.manual_seed(1)
    u, v = torch.linalg.qr(torch.randn(6, 2, dtype=torch.float64))[0].T
    slopes = torch.autograd.grad(objective.mean(), [weight], create_graph=True)
    snapshot = Snapshot(objective, [weight])

    told = outline(HessianProducts(slopes, [weight]), [u, v]).tolist()
    points = [[a, b] for a in (-0.5, 0.0, 2.0) for b in (-1.0, 0.0, 0.3)]
    losses = losses_at(snapshot, [u, v], points, seed=SEED)[0].tolist()

    assert told == pytest.approx([float(x) for x in (u @ matrix @ u, v @ matrix @ v, u @ matrix @ v)] + told[3:])
    uu, vv, uv, gu, gv = told
    predicted = [losses[4] + a * gu + b * gv + 0.5 * (a * a * uu + b * b * vv) + a * b * uv for a, b in points]
    assert losses == pytest.approx(predicted, rel=1e-12)


class Normalised(nn.Module):
    """A layer under batch normalisation, whose scale then makes no difference."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(5, 8)
        self.norm = nn.BatchNorm1d(8, eps=1e-14)  # with the usual one a small scale would show
        self.outer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(torch.tanh(self.norm(self.inner(x))))  # type: ignore[no-any-return]  # a tensor


def test_along_the_weights_of_a_normalised_layer_the_loss_is_flat_until_the_scale_crosses_zero() -> None:
    torch.manual_seed(0)
    model = Normalised().double()
    x, y = torch.randn(32, 5).double(), torch.randint(3, (32,))
    objective = Objective(model, lambda m: F.cross_entropy(m(x), y, reduction="none"))
    parameters = list(model.parameters())
    own = torch.cat([(p if p is model.inner.weight else torch.zeros_like(p)).detach().flatten() for p in parameters])
    length = float(own.norm())

    scales = [0.02, 0.5, 1.0, 3.0, -0.02, -1.0]
    offsets = [[(scale - 1.0) * length] for scale in scales]
    batch, running = losses_at(Snapshot(objective, parameters), [own / length], offsets, seed=SEED)

    flat = batch[:4]
    assert float(flat.max() - flat.min()) < 1e-6 * float(batch[2])
    assert float((batch[4:] - batch[2]).abs().min()) > 1e-3 * float(batch[2])  # the other side is another net
    assert float(batch[4]) == pytest.approx(float(batch[5]), rel=1e-6)
    assert float(running[:4].max() - running[:4].min()) > 1e-3 * float(running[2])  # by running statistics it is not


def test_without_layers_that_normalise_there_is_one_mode() -> None:
    weight, objective, _ = quadratic()

    assert losses_at(Snapshot(objective, [weight]), [], [[], []], seed=SEED).shape == (1, 2)


@pytest.mark.parametrize(
    ("loss", "curvature", "update", "weights", "half"),
    [
        (2.0, 100.0, 0.001, 10.0, 0.2),  # ½ · 100 · .2² = 2
        (-2.0, -100.0, 0.001, 10.0, 0.2),
        (2.0, 1e-9, 0.001, 10.0, 10.0),  # no further than the weights
        (2.0, 0.0, 0.001, 10.0, 10.0),
        (2.0, 100.0, 1.0, 10.0, 3.0),  # nor shorter than three updates
        (0.0, 100.0, 0.0, 10.0, 0.01),  # nor than a thousandth of the weights
        (0.0, 100.0, 0.0, 0.0, 1.0),
    ],
)
def test_a_slice_goes_to_where_the_loss_would_be_as_much_again(
    loss: float, curvature: float, update: float, weights: float, half: float
) -> None:
    assert half_width(loss, curvature, update=update, weights=weights) == pytest.approx(half)


def test_offsets_are_even_and_hold_zero_exactly() -> None:
    offsets = spread(0.7, 41)

    assert offsets[20] == 0.0
    assert (offsets[0], offsets[-1]) == (-0.7, 0.7)
    assert np.allclose(np.diff(offsets), 0.035, rtol=1e-12)
