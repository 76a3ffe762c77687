"""When runs made their newest steps."""

from collections.abc import Mapping

import numpy as np

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.extent import ALIVE

TIMES = "wall"


def newest(curves: Mapping[str, Curve]) -> float | None:
    """Give the newest time of a step, Unix seconds by the job's clock, of all: a resumed run makes its steps again."""
    times = curves.get(TIMES)
    known = times.high[np.isfinite(times.high)] if times is not None else np.empty(0)
    return float(known.max()) if known.size else None


async def stepped(client: Client, run: RunSummary) -> float | None:
    """Ask for the newest time of a step of a run, if it lives."""
    if run.status not in ALIVE:
        return None
    return newest((await client.many([run.id], [TIMES], buckets=1)).get(run.id, {}))
