"""What a canned run answers when it is asked for series."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from ergoscope_contract.jsonable import spell_all


class Recorded(Protocol):
    """What a run must have: full series by metric, and how far they are told."""

    id: str
    steps: int
    rare: set[str]

    @property
    def series(self) -> Mapping[str, np.ndarray]:
        """Values from step 1 on."""
        ...


def cut(
    run: Recorded, metrics: Sequence[str], *, first: int | None, last: int | None, buckets: int | None
) -> dict[str, object]:
    """Answer a series question: points, or stretches when there are more than `buckets`."""
    newest = run.steps  # once: the run may grow meanwhile
    steps = np.arange(1, newest + 1)
    kept = (steps >= (first or 0)) & (steps <= (last if last is not None else newest))
    found = []
    for key in _matching(run, metrics):
        x, y = _told(run, key, steps[kept], run.series[key][:newest][kept])
        head: dict[str, object] = {"metric": key, "rank": 0, "points": int(x.size)}
        if buckets is None or x.size <= buckets:
            found.append({**head, "steps": x.tolist(), "values": spell_all(y.tolist())})
        else:
            found.append({**head, "buckets": _buckets(x, y, buckets)})
    return {"run": run.id, "cursor": newest, "series": found}


def told_since(run: Recorded, key: str, since: int, newest: int) -> dict[str, object]:
    """What the stream tells of a series after step `since`."""
    steps, values = _told(run, key, np.arange(since + 1, newest + 1), run.series[key][since:newest])
    return {"metric": key, "rank": 0, "steps": steps.tolist(), "values": spell_all(values.tolist())}


def _told(run: Recorded, key: str, steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points as the run has them: of what is measured now and then, those steps alone."""
    there = np.isfinite(values) if key in run.rare else np.ones(values.size, dtype=bool)
    return steps[there], values[there]


def _buckets(x: np.ndarray, y: np.ndarray, count: int) -> dict[str, object]:
    width = -(-x.size // count)
    parts = [slice(i, i + width) for i in range(0, x.size, width)]
    finite = [y[p][np.isfinite(y[p])] for p in parts]
    return {
        "first": [int(x[p][0]) for p in parts],
        "last": [int(x[p][-1]) for p in parts],
        "low": spell_all([float(v.min()) if v.size else float("nan") for v in finite]),
        "high": spell_all([float(v.max()) if v.size else float("nan") for v in finite]),
        "mean": spell_all([float(v.mean()) if v.size else float("nan") for v in finite]),
        "final": spell_all([float(y[p][-1]) for p in parts]),
        "count": [int(x[p].size) for p in parts],
        "nonfinite": [int((~np.isfinite(y[p])).sum()) for p in parts],
    }


def _matching(run: Recorded, metrics: Sequence[str]) -> list[str]:
    found: list[str] = []
    for wanted in metrics:
        stem = wanted[:-1] if wanted.endswith("/*") else None
        found += [key for key in run.series if key == wanted or (stem and key.startswith(stem))]
    return list(dict.fromkeys(found))
