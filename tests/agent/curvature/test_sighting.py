"""What a look multiplies, and against what it is held."""

import math

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adam, Adamax, Optimizer

from ergoscope.curvature.sighting import Found, Sights

DIAGONAL = torch.tensor([5.0, 1.0, 0.5, -2.0])


class Diagonal:
    """A Hessian with these entries, and a gradient of ones."""

    gradient = torch.ones(4)

    def __call__(self, vector: Tensor) -> Tensor:
        """Hv."""
        return DIAGONAL * vector


def weights(optimizer: type[Optimizer], **settings: object) -> tuple[list[Tensor], Optimizer]:
    parameters = [torch.zeros(4, requires_grad=True)]
    return parameters, optimizer(parameters, **settings)  # type: ignore[arg-type]  # settings of that optimizer


def look(
    sights: Sights, parameters: list[Tensor], optimizer: Optimizer | None, *, factor: float = 1.0
) -> tuple[Found, bool, str]:
    sight = sights.take(Diagonal(), parameters, optimizer, factor=factor)
    return sights.read(sight, sight.values.tolist()), sight.scaled, sight.edge.validity


def test_top_share_of_the_threshold_and_curvature_along_the_gradient() -> None:
    found, scaled, _ = look(Sights(whole=True, seed=0), *weights(SGD, lr=0.1))

    assert not scaled
    assert found.top.value == pytest.approx(5.0, rel=1e-5)
    assert found.top.lowest == pytest.approx(-2.0, rel=1e-5)
    assert found.ratio == pytest.approx(5.0 * 0.1 / 2, rel=1e-5)
    assert found.along == pytest.approx(4.5 / 4, rel=1e-6)


def test_the_factor_multiplies_everything() -> None:
    found, _, _ = look(Sights(whole=True, seed=0), *weights(SGD, lr=0.1), factor=3.0)

    assert found.top.value == pytest.approx(15.0, rel=1e-5)
    assert found.along == pytest.approx(3 * 4.5 / 4, rel=1e-6)


def test_who_climbs_is_held_by_the_other_end() -> None:
    found, _, _ = look(Sights(whole=True, seed=0), *weights(SGD, lr=0.1, maximize=True))

    assert found.top.value == pytest.approx(2.0, rel=1e-5)
    assert found.ratio == pytest.approx(0.1, rel=1e-5)


def test_of_a_part_there_is_no_share() -> None:
    found, scaled, why = look(Sights(whole=False, seed=0), *weights(SGD, lr=0.1))

    assert found.ratio is None
    assert not scaled
    assert why == "it is one for the whole model"


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (Adamax, {}, "no closed form is known for Adamax"),
        (Adam, {"lr": 0.1}, "the optimizer has no state yet"),
    ],
)
def test_without_a_threshold_the_reason_is_told(
    kind: type[Optimizer], settings: dict[str, object], reason: str
) -> None:
    found, _, why = look(Sights(whole=True, seed=0), *weights(kind, **settings))

    assert found.ratio is None
    assert why == reason


def test_several_optimizers_have_no_threshold_together() -> None:
    found, _, why = look(Sights(whole=True, seed=0), weights(SGD, lr=0.1)[0], None)

    assert found.top.value == pytest.approx(5.0, rel=1e-5)
    assert found.ratio is None
    assert why == "several optimizers move the parameters"


def test_the_curvature_along_the_gradient_is_of_every_fourth_reading_of_a_whole_model() -> None:
    products: list[int] = []

    class Counted(Diagonal):
        def __call__(self, vector: Tensor) -> Tensor:
            products[-1] += 1
            return super().__call__(vector)

    def alongs(*, whole: bool) -> list[bool]:
        sights, held, found = Sights(whole=whole, seed=0), weights(SGD, lr=0.1), []
        for _ in range(6):
            products.append(0)
            sight = sights.take(Counted(), *held, factor=1.0)
            found.append(math.isfinite(sights.read(sight, sight.values.tolist()).along))
        return found

    assert alongs(whole=True) == [True, False, False, False, True, False]
    assert alongs(whole=False) == [False] * 6
    assert products == [5, 3, 3, 3, 4, 3, 4, 3, 3, 3, 3, 3]  # at first as many as entries, then three


def test_of_adam_the_plain_hessian_is_followed_at_every_fourth_reading() -> None:
    parameters, adam = weights(Adam, lr=0.1, betas=(0.9, 0.99), eps=1e-12)
    parameters[0].grad = torch.full((4,), 2.0)
    for _ in range(500):  # then both averages have settled
        adam.step()
    sights = Sights(whole=True, seed=0)

    looks = [look(sights, parameters, adam) for _ in range(8)]

    assert [scaled for _, scaled, _ in looks] == [True, True, True, False] * 2
    assert [why for _, scaled, why in looks if not scaled] == ["", ""]
    for found, scaled, _ in looks:
        # Three products in four dimensions, from a start that leans away from the top vector.
        assert found.top.value == pytest.approx(2.5 if scaled else 5.0, rel=0.01)
        assert found.ratio == (pytest.approx(2.5 * 0.1 / 38, rel=0.01) if scaled else None)
