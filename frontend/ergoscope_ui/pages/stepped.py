"""When the runs that live made their newest steps."""

from collections.abc import Sequence

import numpy as np

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.extent import ALIVE

_TIMES = "wall"


async def stepped(client: Client, runs: Sequence[RunSummary]) -> dict[str, float]:
    """Ask for the newest time of a step of each run that lives, Unix seconds by the job's clock.

    The newest of all, since a run that was resumed makes its steps again.
    """
    alive = [run.id for run in runs if run.status in ALIVE]
    found = await client.many(alive, [_TIMES], buckets=1)
    times = {run: curves[_TIMES].high for run, curves in found.items() if _TIMES in curves}
    return {run: float(np.nanmax(high)) for run, high in times.items() if np.isfinite(high).any()}
