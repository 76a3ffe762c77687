"""What a run's settings say of its optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

_ADAMS = ("Adam", "AdamW", "NAdam", "RAdam")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One optimizer with one set of hyper-parameters but for the learning rate.

    name: its class. momentum: of SGD; β₁ of Adam and its kin. decay: weight decay, of the groups that have any; apart:
    whether that is decoupled. nesterov: whether SGD looks ahead. dampening: of SGD.
    even: whether all groups have this decay; those of biases and normalizations often have none.
    """

    name: str
    momentum: float = 0.0
    decay: float = 0.0
    apart: bool = False
    nesterov: bool = False
    dampening: float = 0.0
    even: bool = True

    @property
    def held(self) -> float | None:
        """Give the most batch sharpness at which SGD is seen to hover, in 2/η; None where nothing is known of it.

        With momentum β it is seen between 1 - β for small batches and 1 + β for large ones. Where a run's batches lie
        between is not known, so only the upper end can be told: there every run is at the edge, or beyond its own.
        """
        known = self.name == "SGD" and not self.nesterov and not self.dampening
        return 1 + self.momentum if known else None

    @property
    def plain(self) -> bool:
        """Say whether it is SGD without momentum."""
        return self.name == "SGD" and self.momentum == 0


def recipe_of(config: Mapping[str, object]) -> Recipe | None:
    """Read what the agent wrote into the settings.

    None where it did not, or where groups differ in more than their rate and whether they decay.
    """
    optimizers = config.get("optimizers")
    if not isinstance(optimizers, list) or len(optimizers) != 1 or not isinstance(optimizers[0], Mapping):
        return None
    name, groups = optimizers[0].get("name"), optimizers[0].get("groups")
    if not isinstance(name, str) or not isinstance(groups, list):
        return None
    found = {_recipe(name, group) for group in groups if isinstance(group, Mapping)}
    decaying = {recipe for recipe in found if recipe.decay}
    if len(found) > 1 and len(decaying) == 1:
        [kept] = decaying
        found = {kept if replace(kept, decay=0.0, apart=recipe.apart) == recipe else recipe for recipe in found}
        return replace(kept, even=False) if len(found) == 1 else None
    return found.pop() if len(found) == 1 else None


def _recipe(name: str, group: Mapping[str, object]) -> Recipe:
    momentum = _number(group.get("momentum"))
    betas = group.get("betas")
    if name in _ADAMS and isinstance(betas, list) and betas:
        momentum = _number(betas[0])
    return Recipe(
        name,
        momentum,
        _number(group.get("weight_decay")),
        name == "AdamW" or group.get("decoupled_weight_decay") is True,
        group.get("nesterov") is True,
        _number(group.get("dampening")),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
