"""How fast layers turn whose scale does not matter, against the angle at which weight decay and steps balance.

In front of a normalization a layer's size changes nothing but how far a step turns it. Decay shrinks it, steps, which
are at right angles to it, let it grow, and where both balance a step turns it by √(2ηλ), whatever the loss.
"""

import math
from collections.abc import Mapping

import numpy as np

from ergoscope_contract.answers import Reading
from ergoscope_server.indicators.gathered import absent, averaged
from ergoscope_server.indicators.numerals import plain
from ergoscope_server.indicators.points import NOTHING, Points, points
from ergoscope_server.indicators.recipe import Recipe

PRODUCES = ("angular_update_ratio",)
TURN, ALIGNED = "angular_update", "cos_w_neg_grad"
TURNS = f"{TURN}/*"  # the key of the mean over the layers whose scale does not matter
LOOKS = 8  # newest readings by which a layer is told to be one of them
RIGHT = 1e-4  # of the cosine: what single precision leaves of a right angle; eight in a row are no chance


def equilibrium_turn(recipe: Recipe | None, rate: float | None) -> float | str:
    """Give the angle that a step turns such a layer by in equilibrium, rad, or why it is not known.

    √(2ηλ/(1+μ)) of SGD with momentum μ, √(2ηλ(1−β₁)/(1+β₁)) of AdamW. Source: Kosson, Messmer, Jaggi (2023); Wan et al.
    (2021).

    Args:
        recipe: The optimizer, where it is known.
        rate: The learning rate now.

    Example:
        >>> round(equilibrium_turn(Recipe("SGD", 0.0, 0.01), 0.1), 5)
        0.04472
    """
    if recipe is None or not rate:
        return "needs the optimizer, with one momentum for all of its groups, and the learning rate"
    adam = recipe.name in ("Adam", "AdamW") and recipe.apart
    if not adam and (recipe.name != "SGD" or recipe.nesterov or recipe.dampening):
        return "its equilibrium is only known of SGD without Nesterov's momentum and dampening, and of AdamW"
    if recipe.decay <= 0:
        return "without weight decay there is no equilibrium: the weights only grow"
    beta = recipe.momentum
    return math.sqrt(2 * rate * recipe.decay * ((1 - beta) if adam else 1.0) / (1 + beta))


def scale_free(cosines: Mapping[str, Points]) -> list[str]:
    """Name the layers whose gradient is at right angles to them at each of the newest eight readings.

    It is wherever the loss does not depend on a layer's scale. In 16 bits rounding hides it, and none is named.

    Args:
        cosines: Of weights and downhill slope, by layer.
    """
    newest = {layer: series.finite().newest(LOOKS).values for layer, series in cosines.items()}
    return [layer for layer, values in newest.items() if len(values) == LOOKS and float(np.abs(values).max()) < RIGHT]


def mean_turn(angles: Mapping[str, Points]) -> Points:
    """Give the mean angle over layers at the steps at which all of them were read.

    Args:
        angles: By layer, rad a step.
    """
    series = [one.finite() for one in angles.values()]
    if not series:
        return NOTHING
    steps = series[0].steps
    for one in series[1:]:
        steps = np.intersect1d(steps, one.steps)
    return points(steps, np.mean([one.values[np.searchsorted(one.steps, steps)] for one in series], axis=0))


def turn_reading(turns: Points, *, since: int, step: int, recipe: Recipe | None, rate: float | None) -> Reading:
    """Give the mean turn a step over that of the equilibrium, since the last change.

    Args:
        turns: Mean angle of the layers whose scale does not matter, rad a step.
        since: First step after the last known change.
        step: The step to judge at.
        recipe: The optimizer, where it is known.
        rate: The learning rate now.
    """
    name = PRODUCES[0]
    balanced = equilibrium_turn(recipe, rate)
    if isinstance(balanced, str):
        return Reading(name, absent=balanced, step=step)
    if not len(turns):
        why = "no layer is known whose scale does not matter: such have a gradient at right angles to them"
        return Reading(name, absent=why, step=step)
    if not len(turns.since(since)):
        return absent(name, turns, since=since, step=step)
    told = f"against {plain(balanced)} rad; layers before a normalization, 1 where they have come to their balance"
    return averaged(name, Points(turns.steps, turns.values / balanced), since=since, step=step, told=told)
