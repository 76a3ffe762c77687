"""How much worse a run does on data that it was not trained on: the loss that it logged there, less its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ergoscope_ui.curve import Curve, Values

VALIDATION = tuple(
    f"{head}{mark}loss" for head in ("val", "valid", "validation", "eval", "test") for mark in ("/", "_")
)  # what jobs call it, the first that is there counts
LOSS = "loss"
_LATE = 0.1  # of the steps: over which the training loss is averaged
_FEWEST = 16  # stretches of which a standard error is told


@dataclass(frozen=True, slots=True)
class Gap:
    """A generalization gap.

    value: loss on other data less mean training loss. half: half the width of the 95 % interval of the latter, None
    where it cannot be told. step: at which the loss on other data was logged. key: under which name.
    """

    value: float
    half: float | None
    step: int
    key: str


def gap_of(curves: Mapping[str, Curve]) -> Gap | None:
    """The gap at the newest loss that was logged on other data.

    The training loss is averaged over the tenth of the steps before; its error is that of means of stretches long
    enough to forget each other, root n of n, so that it holds for a loss that has settled. The error of the other
    loss is not known, as it is one number. None where either is missing.

    Args:
        curves: By metric, of one run.
    """
    key = next((name for name in VALIDATION if (found := curves.get(name)) is not None and found.size), None)
    train = curves.get(LOSS)
    if key is None or train is None or not train.size:
        return None
    step, other = int(curves[key].last[-1]), float(curves[key].final[-1])
    late = (train.first <= step) & (train.last > (1 - _LATE) * step) & np.isfinite(train.mean)
    if not late.any() or not math.isfinite(other):
        return None
    values, weights = train.mean[late], train.count[late].astype(np.float64)
    return Gap(other - float(np.average(values, weights=weights)), _half(values), step, key)


def _half(values: Values) -> float | None:
    """Twice the standard error of the mean of values that remember each other, by means of batches of √n."""
    if values.size < _FEWEST:
        return None
    batches = values.size // math.isqrt(values.size)
    means = np.array([part.mean() for part in np.array_split(values, batches)])
    return 2.0 * float(means.std(ddof=1)) / math.sqrt(batches)
