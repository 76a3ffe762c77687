"""Batches as tests write them."""

from collections.abc import Mapping, Sequence

import numpy as np

from ergoscope_contract.answers import Refusal
from ergoscope_contract.columns import pack_block
from ergoscope_contract.records import Attempt, Batch, Ending, Pulse, Run
from ergoscope_server.ingest.checks import check
from ergoscope_server.store.arrivals import Arrival

ATTEMPT = 1_790_000_000_000


def batch(
    seq: int,
    columns: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    *,
    run: str = "r",
    attempt: int = ATTEMPT,
    rank: int = 0,
    about: Run | None = None,
    begun: Attempt | None = None,
    pulse: Pulse | None = None,
    ended: Ending | None = None,
) -> Batch:
    """A batch with one block a column."""
    blocks = [pack_block([i], list(steps), list(values)) for i, (steps, values) in enumerate(columns.values())]
    return Batch(1, run, attempt, rank, seq, list(columns), blocks, about=about, begun=begun, pulse=pulse, ended=ended)


def arrival(made: Batch, *, received: float = 1_790_000_000.0) -> Arrival:
    """A batch as intake hands it to the store; nothing of it may be refused."""
    refused: list[Refusal] = []
    checked, _ = check(made, received=received, refused=refused)
    assert refused == []
    return checked


def line(start: int, n: int) -> tuple[range, list[float]]:
    """n points from a step on whose values are their steps."""
    return range(start, start + n), np.arange(start, start + n, dtype=float).tolist()
