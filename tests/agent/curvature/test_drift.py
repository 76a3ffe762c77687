"""How far weights moved, told from sketches."""

import pytest
import torch

from ergoscope.curvature.drift import Drift
from ergoscope.curvature.vectors import normals
from ergoscope.numerics.sketch import BUCKETS, Sketcher


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_length_of_a_move_is_told_to_the_error_of_the_sketch(share: float) -> None:
    weights = [normals(size, seed=size).view(shape) for size, shape in ((30_000, (300, 100)), (500, (500,)))]
    moves = [share * normals(w.numel(), seed=7 + i).view(w.shape) for i, w in enumerate(weights)]
    drift = Drift(Sketcher(), weights)

    found = drift.share([w + m for w, m in zip(weights, moves, strict=True)])

    whole, moved = (torch.cat([x.reshape(-1) for x in parts]).norm() for parts in (weights, moves))
    error = (2 * 1 / (2 * BUCKETS)) ** 0.5  # of each of two lengths √(1/2k)
    assert float(found) == pytest.approx(float(moved / whole), rel=4 * error)


def test_what_stands_still_has_not_moved() -> None:
    weights = [normals(1000, seed=0)]

    assert float(Drift(Sketcher(), weights).share(weights)) == 0.0


def test_from_nothing_every_way_is_far() -> None:
    drift = Drift(Sketcher(), [torch.zeros(10)])

    assert float(drift.share([torch.ones(10)])) == float("inf")


def test_a_recording_of_gradients_does_not_see_it() -> None:
    weight = torch.ones(10, requires_grad=True)

    assert not Drift(Sketcher(), [weight]).share([weight]).requires_grad


def test_parameters_without_entries_are_refused() -> None:
    with pytest.raises(ValueError, match="no entries that can be sketched; they must be dense and not empty"):
        Drift(Sketcher(), [torch.zeros(0)])
