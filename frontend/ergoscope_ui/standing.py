"""Which layers stand out now, each against its own recent past."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ergoscope_ui.curve import Curve

LEAST = 20  # values of a layer below which nothing is said of it


@dataclass(frozen=True, slots=True)
class Standing:
    """A layer's newest value, and how unusual it is: robust z of log10 against the layer's own recent values."""

    name: str
    value: float
    z: float


def standings(curves: Mapping[str, Curve], *, least: int = LEAST) -> list[Standing]:
    """Rank layers by how unusual their newest value is, the most unusual first.

    z = (x - median) / (1.4826 * median distance from it), of x = log10 of the value, over the values before the
    newest. Layers with fewer than `least` positive values are left out; a layer that never changed has z 0.
    """
    found = []
    for name, curve in curves.items():
        values = curve.mean[np.isfinite(curve.mean) & (curve.mean > 0)]
        if values.size < least:
            continue
        logs = np.log10(values)
        past, newest = logs[:-1], float(logs[-1])
        middle = float(np.median(past))
        scatter = 1.4826 * float(np.median(np.abs(past - middle)))
        z = (newest - middle) / scatter if scatter > 1e-9 else 0.0
        found.append(Standing(name=name, value=float(values[-1]), z=z))
    return sorted(found, key=lambda standing: -abs(standing.z))
