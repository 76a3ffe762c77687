"""The turn of layers whose scale does not matter: known angles, which layers these are, and why there is no value."""

import math

import numpy as np
import pytest

from ergoscope_server.indicators.points import NOTHING, FloatArray, Points, points
from ergoscope_server.indicators.recipe import Recipe
from ergoscope_server.indicators.turning import equilibrium_turn, mean_turn, scale_free, turn_reading
from tests.reference.ar1 import SEEDS

STEPS = 10 * np.arange(64)


def _around(angle: float, *, seed: int) -> Points:
    return points(STEPS, angle * (1 + 0.1 * np.random.default_rng(seed).normal(size=64)))


@pytest.mark.known_answer("angular_update_ratio")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("recipe", "rate", "angle"),
    [
        (Recipe("SGD", 0.0, 0.01), 0.1, 0.04472),
        (Recipe("SGD", 0.9, 0.001), 0.1, 0.01026),
        (Recipe("AdamW", 0.9, 0.1, apart=True), 0.01, 0.01026),
        (Recipe("Adam", 0.9, 0.1, apart=True, even=False), 0.01, 0.01026),
    ],
)
def test_layers_that_turn_at_their_balance_read_one(recipe: Recipe, rate: float, angle: float, seed: int) -> None:
    found = turn_reading(_around(angle, seed=seed), since=0, step=700, recipe=recipe, rate=rate)

    assert found.value == pytest.approx(1.0, abs=4 * 0.1 / 64**0.5 + 1e-3)
    assert (found.n, found.step) == (64.0, 630)
    assert f"against {angle:.3g} rad" in found.how


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("momentum", "rate", "decay"), [(0.0, 0.1, 0.01), (0.9, 0.02, 0.05)])
def test_weights_in_a_walk_of_right_angles_come_to_the_angle(
    momentum: float, rate: float, decay: float, seed: int
) -> None:
    """SGD with decay on a gradient that is noise at right angles to w, and as large as 1/‖w‖."""
    generator, size = np.random.default_rng(seed), 2000
    w: FloatArray = generator.normal(size=size)
    v, angles = np.zeros(size), []
    for step in range(4000):
        noise = generator.normal(size=size)
        g = noise - (noise @ w) / (w @ w) * w
        v = momentum * v + g / np.linalg.norm(w) + decay * w
        moved = w - rate * v
        if step >= 3000:
            angles.append(math.acos(min(1.0, w @ moved / np.linalg.norm(w) / np.linalg.norm(moved))))
        w = moved

    balanced = equilibrium_turn(Recipe("SGD", momentum, decay), rate)

    # Of first order in ηλ, and of 2,000 directions the angle of one step keeps a part in √(2·2,000).
    assert np.mean(angles) == pytest.approx(balanced, rel=4 / 4000**0.5)


@pytest.mark.parametrize(
    ("recipe", "rate", "why"),
    [
        (None, 0.1, "needs the optimizer"),
        (Recipe("SGD", 0.9, 5e-4), None, "needs the optimizer"),
        (Recipe("Lion", 0.9, 5e-4), 0.1, "only known of SGD"),
        (Recipe("Adam", 0.9, 5e-4), 0.1, "only known of SGD"),
        (Recipe("SGD", 0.9, 5e-4, nesterov=True), 0.1, "only known of SGD"),
        (Recipe("SGD", 0.9), 0.1, "without weight decay there is no equilibrium"),
    ],
)
def test_where_there_is_no_balance_it_says_why(recipe: Recipe | None, rate: float | None, why: str) -> None:
    found = turn_reading(_around(0.01, seed=1), since=0, step=700, recipe=recipe, rate=rate)

    assert (found.value, why in found.absent) == (None, True)


def test_without_such_layers_or_since_the_change_there_is_none() -> None:
    recipe = Recipe("SGD", 0.9, 5e-4)

    none = turn_reading(NOTHING, since=0, step=700, recipe=recipe, rate=0.1)
    old = turn_reading(_around(0.01, seed=1), since=650, step=700, recipe=recipe, rate=0.1)

    assert none.absent.startswith("no layer is known whose scale does not matter")
    assert old.absent == "no reading since step 650"


def test_a_layer_counts_when_eight_readings_in_a_row_are_at_right_angles() -> None:
    right, chance = np.full(20, 3e-6), np.full(20, 3e-6)
    chance[15] = 0.01

    found = scale_free(
        {"bn": points(STEPS[:20], right), "fc": points(STEPS[:20], chance), "few": points(STEPS[:7], right[:7])}
    )

    assert found == ["bn"]


def test_layers_are_averaged_where_all_were_read() -> None:
    found = mean_turn({"a": points([1, 2, 3], [1.0, 2.0, 3.0]), "b": points([2, 3, 4], [4.0, np.nan, 5.0])})

    assert (found.steps.tolist(), found.values.tolist()) == ([2], [3.0])
    assert len(mean_turn({})) == 0
