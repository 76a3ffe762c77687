"""What the settings of torch's optimizers say of their steps."""

import torch
from torch import nn
from torch.optim import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop

from ergoscope.recipe import Recipe, recipes_of


def only(optimizer: Optimizer) -> Recipe:
    recipes = recipes_of(optimizer, optimizer.param_groups[0]["params"])
    assert recipes is not None
    return recipes[0]


def weights() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(2))]


def test_sgd_with_its_variants() -> None:
    assert only(SGD(weights(), lr=0.5, weight_decay=0.1)) == Recipe(0.5, 0.1, 1.0, 2, 1.0, None)
    assert only(SGD(weights(), lr=0.5, momentum=0.5, dampening=0.25)).spread == 1.5 / 0.75
    assert only(SGD(weights(), lr=0.5, momentum=0.5, dampening=1.0)).spread is None
    assert only(SGD(weights(), lr=0.5, dampening=0.5)).spread == 1.0
    assert only(SGD(weights(), lr=0.5, momentum=0.5, nesterov=True)).spread is None
    assert only(SGD(weights(), lr=0.5, maximize=True)).sign == -1.0
    assert only(SGD(weights(), lr=torch.tensor(0.5))).rate == 0.5


def test_decay_stands_apart_only_in_adamw() -> None:
    assert only(Adam(weights(), lr=0.5, weight_decay=0.1)) == Recipe(0.5, 0.1, 1.0, 1, None, 0.0)
    assert only(AdamW(weights(), lr=0.5, weight_decay=0.1)).apart == 0.1
    assert only(RMSprop(weights(), lr=0.5)).apart is None


def test_optimizers_that_are_not_known_say_nothing_of_their_steps() -> None:
    assert only(LBFGS(weights(), lr=0.5)) == Recipe(0.5, 0.0, 1.0, None, None, None)


def test_each_parameter_has_the_recipe_of_its_group() -> None:
    first, second = weights(), weights()
    optimizer = SGD([{"params": first, "lr": 0.1}, {"params": second, "lr": 0.2}], lr=1.0)

    recipes = recipes_of(optimizer, [*second, *first])

    assert recipes is not None
    assert [r.rate for r in recipes] == [0.2, 0.1]


def test_a_rate_on_a_device_is_not_waited_for() -> None:
    optimizer = SGD(weights(), lr=0.5)
    optimizer.param_groups[0]["lr"] = torch.tensor(0.5, device="meta")

    assert recipes_of(optimizer, optimizer.param_groups[0]["params"]) is None
