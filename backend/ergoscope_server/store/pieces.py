"""From rows of the arrival log to one piece of points a series, in step order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ergoscope_server.store.arrivals import Logged
from ergoscope_server.store.entry import WALL, wall_times
from ergoscope_server.store.lanes import in_order
from ergoscope_server.store.points import FloatArray, IntArray

Owner: TypeAlias = tuple[str, int, int]  # metric, attempt, rank


@dataclass(frozen=True, slots=True)
class Piece:
    """New points of one series: steps never fall, and points at one step stand in the order they arrived.

    arrived: the newest arrival among them.
    """

    owner: Owner
    steps: IntArray
    values: FloatArray
    arrived: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows with the same series: steps (n,), values (series, n)."""

    steps: IntArray
    values: FloatArray
    arrived: int


def cut(log: Sequence[Logged]) -> Iterator[Piece]:
    """Give the points of some batches, one piece a series.

    Blocks of the same series are joined as whole tables, which costs one copy for all their series. A series that
    occurs in tables of different make is joined by itself, so that its points keep the order they arrived in.
    """
    tables: dict[tuple[Owner, ...], list[_Part]] = {}
    for owners, part in _parts(log):
        tables.setdefault(owners, []).append(part)
    times: dict[Owner, int] = {}
    for owners in tables:
        for owner in owners:
            times[owner] = times.get(owner, 0) + 1
    shared = {owner for owner, count in times.items() if count > 1}
    for owners, parts in tables.items():
        alone = [i for i, owner in enumerate(owners) if owner not in shared]
        if alone:
            joined = _sorted(parts)
            yield from (Piece(owners[i], joined.steps, joined.values[i], joined.arrived) for i in alone)
    if shared:
        yield from _one_by_one(log, shared)


def _one_by_one(log: Sequence[Logged], shared: set[Owner]) -> Iterator[Piece]:
    found: dict[Owner, list[_Part]] = {}
    for owners, part in _parts(log):
        for i, owner in enumerate(owners):
            if owner in shared:
                found.setdefault(owner, []).append(_Part(part.steps, part.values[i : i + 1], part.arrived))
    for owner, parts in found.items():
        joined = _sorted(parts)
        yield Piece(owner, joined.steps, joined.values[0], joined.arrived)


def _parts(log: Sequence[Logged]) -> Iterator[tuple[tuple[Owner, ...], _Part]]:
    for row in log:
        for rows in row.entry.rows:
            owners = tuple((row.entry.names[key], row.attempt, row.rank) for key in rows.keys)
            yield owners, _Part(rows.step_array(), rows.value_array(), row.number)
            times = wall_times(rows)
            if times is not None:
                yield ((WALL, row.attempt, row.rank),), _Part(times[0], times[1][np.newaxis], row.number)


def _sorted(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        steps, values = parts[0].steps, parts[0].values
    else:
        steps = np.concatenate([part.steps for part in parts])
        values = np.concatenate([part.values for part in parts], axis=1)
    if not in_order(steps):
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[:, order]
    return _Part(steps, values, parts[-1].arrived)
