"""Slices of the loss as tests write them."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from ergoscope_contract.records import Grid
from ergoscope_server.store.arrivals import Arrival
from tests.backend.store.batches import arrival, batch

OFFSETS = (-0.5, -0.25, 0.0, 0.25, 0.5)


def packed(values: Sequence[float]) -> bytes:
    """float64 as on the wire."""
    return np.array(values, "<f8").tobytes()


def line(request: str, values: Sequence[float] = (2.0, 1.25, 1.0, 1.25, 2.0), **fields: object) -> Grid:
    """A slice along the steepest direction of the parabola 1 + 4 a^2."""
    given = Grid(
        key="loss_slice",
        step=1204,
        request=request,
        axes=["steepest direction"],
        scales=[1.0],
        offsets=[packed(OFFSETS)],
        values=packed(values),
        curvatures=[8.0],
        slopes=[0.0],
        update=0.02,
        batch="9c41",
    )
    return replace(given, **fields)


def refusal(request: str, reason: str) -> Grid:
    """A slice that the agent does not measure."""
    return Grid("loss_slice", 1204, request, [], [], [], b"", refused=reason)


def sent(seq: int, *grids: Grid, run: str = "r", received: float = 1_790_000_000.0) -> Arrival:
    """A batch of grids as intake hands it to the store."""
    return arrival(replace(batch(seq, {}, run=run), grids=list(grids)), received=received)
