"""What the settings of a run say of its optimizer."""

import pytest

from ergoscope_server.indicators.recipe import Recipe, recipe_of

SGD = {"lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 5e-4, "nesterov": False}
ADAMW = {"lr": 1e-3, "betas": [0.8, 0.99], "weight_decay": 0.01}


def _config(name: str, *groups: object) -> dict[str, object]:
    return {"optimizers": [{"name": name, "groups": list(groups)}]}


def test_the_settings_of_sgd_and_adam_are_read() -> None:
    assert recipe_of(_config("SGD", SGD)) == Recipe("SGD", 0.9, 5e-4)
    assert recipe_of(_config("AdamW", ADAMW)) == Recipe("AdamW", 0.8, 0.01, apart=True)
    assert recipe_of(_config("Adam", {**ADAMW, "decoupled_weight_decay": True})) == Recipe("Adam", 0.8, 0.01, True)
    assert recipe_of(_config("Lion", {"lr": 1e-4})) == Recipe("Lion")


def test_groups_may_differ_in_their_rate_alone() -> None:
    assert recipe_of(_config("SGD", SGD, {**SGD, "lr": 0.01})) == Recipe("SGD", 0.9, 5e-4)
    assert recipe_of(_config("SGD", SGD, {**SGD, "momentum": 0.5})) is None


def test_groups_without_decay_stand_beside_those_that_have_one() -> None:
    bare = {**SGD, "weight_decay": 0.0}

    assert recipe_of(_config("SGD", SGD, bare)) == Recipe("SGD", 0.9, 5e-4, even=False)
    assert recipe_of(_config("AdamW", {**ADAMW, "weight_decay": 0.0}, ADAMW)) == Recipe(
        "AdamW", 0.8, 0.01, apart=True, even=False
    )
    assert recipe_of(_config("SGD", bare, bare)) == Recipe("SGD", 0.9)
    assert recipe_of(_config("SGD", SGD, {**SGD, "weight_decay": 1e-3})) is None
    assert recipe_of(_config("SGD", SGD, {**bare, "momentum": 0.5})) is None


@pytest.mark.parametrize(
    "config",
    [{}, {"optimizers": "SGD"}, {"optimizers": []}, {"optimizers": [1]}, {"optimizers": [{"name": 1, "groups": []}]}],
)
def test_what_a_user_wrote_there_tells_nothing(config: dict[str, object]) -> None:
    assert recipe_of(config) is None
    assert recipe_of({"optimizers": [{"name": "SGD", "groups": 3}]}) is None


def test_what_sgd_holds_of_batch_sharpness_is_known_without_nesterov_and_dampening() -> None:
    assert (Recipe("SGD").held, Recipe("SGD", 0.9).held) == (1.0, 1.9)
    assert Recipe("SGD", 0.9, nesterov=True).held is None
    assert Recipe("SGD", 0.9, dampening=0.5).held is None
    assert Recipe("AdamW", 0.9).held is None


def test_only_sgd_without_momentum_is_plain() -> None:
    assert Recipe("SGD").plain
    assert not Recipe("SGD", 0.9).plain
    assert not Recipe("Adam").plain
