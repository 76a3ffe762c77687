"""The gradient norm at a run's start, which later ones are measured against."""

import numpy as np

from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve

FIRST_STEPS = 20
_SOUGHT = 400  # the first steps are looked for below this one; a run that begins later is taken from its first stretch


def level(curve: Curve | None) -> float | None:
    """Mean over the first 20 values, which the verdict's grad_norm_level is measured against too; None without any."""
    if curve is None:
        return None
    values = curve.mean[np.isfinite(curve.mean)][:FIRST_STEPS]
    mean = float(np.mean(values)) if values.size else 0.0
    return mean if mean > 0 else None


async def start_of(client: Client, run: str, *, own: bool) -> float | None:
    """Ask for the first steps and reduce them; None while there are none.

    own: of a run that was forked, where it itself began; else where the run began that it comes from.
    """
    early = await client.series(run, ["grad_norm"], last=_SOUGHT, own=own)
    found = level(early.get("grad_norm"))
    if found is not None:
        return found
    return level((await client.series(run, ["grad_norm"], buckets=1000, own=own)).get("grad_norm"))
