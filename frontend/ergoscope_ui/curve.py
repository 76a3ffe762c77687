"""One series as a page holds it: points, or stretches of steps with their extremes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ergoscope_contract.jsonable import unspell

Steps = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A series over steps; arrays of one length, steps rising.

    first, last: first and last step of each stretch (equal at full resolution).
    low, high, mean: of the finite values of the stretch, NaN where there is none.
    final: the newest value of the stretch as it is.
    count, nonfinite: points in the stretch, and those that are not finite.
    exact: whether every stretch is one point.
    cursor: the run's arrival number up to which the curve is complete.
    points: how many points the range holds at full resolution.
    thinned_to: the last step up to which the service has kept few of the points; None where it has all.
    """

    run: str
    metric: str
    first: Steps
    last: Steps
    low: Values
    high: Values
    mean: Values
    final: Values
    count: Steps
    nonfinite: Steps
    exact: bool = True
    cursor: int = 0
    points: int = 0
    thinned_to: int | None = None

    @property
    def size(self) -> int:
        """How many stretches there are."""
        return int(self.last.size)

    @property
    def width(self) -> int:
        """Steps a stretch spans at most; 1 at full resolution."""
        return 1 if self.exact or not self.size else int((self.last - self.first).max()) + 1


def from_points(run: str, metric: str, steps: Sequence[int], values: Sequence[float], *, cursor: int = 0) -> Curve:
    """Make a curve of single points; `values` may hold NaN and infinities.

    Example:
        >>> from_points("r", "loss", [1, 2], [0.5, float("inf")]).nonfinite.tolist()
        [0, 1]
    """
    at = np.asarray(steps, dtype=np.int64)
    raw = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(raw)
    clean = np.where(finite, raw, np.nan)
    return Curve(
        run=run,
        metric=metric,
        first=at,
        last=at,
        low=clean,
        high=clean,
        mean=clean,
        final=raw,
        count=np.ones(at.size, dtype=np.int64),
        nonfinite=(~finite).astype(np.int64),
        cursor=cursor,
        points=int(at.size),
    )


def from_answer(run: str, cursor: int, series: Mapping[str, object]) -> Curve:
    """Read one member of the service's `series` list (see the REST description of /api/v1/runs/{id}/series)."""
    metric = str(series["metric"])
    buckets, told = series.get("buckets"), series.get("thinned_to")
    thinned_to = told if isinstance(told, int) else None
    if not isinstance(buckets, Mapping):
        whole = from_points(run, metric, _whole(series.get("steps")), _spelled(series.get("values")), cursor=cursor)
        return replace(whole, thinned_to=thinned_to)
    return Curve(
        run=run,
        metric=metric,
        first=np.asarray(_whole(buckets["first"]), dtype=np.int64),
        last=np.asarray(_whole(buckets["last"]), dtype=np.int64),
        low=_finite(buckets["low"]),
        high=_finite(buckets["high"]),
        mean=_finite(buckets["mean"]),
        final=np.asarray(_spelled(buckets["final"]), dtype=np.float64),
        count=np.asarray(_whole(buckets["count"]), dtype=np.int64),
        nonfinite=np.asarray(_whole(buckets["nonfinite"]), dtype=np.int64),
        exact=False,
        cursor=cursor,
        points=int(str(series.get("points", 0))),
        thinned_to=thinned_to,
    )


def _whole(raw: object) -> list[int]:
    return [int(v) for v in raw] if isinstance(raw, list) else []


def _spelled(raw: object) -> list[float]:
    return [float("nan") if v is None else unspell(v) for v in raw] if isinstance(raw, list) else []


def _finite(raw: object) -> Values:
    values = np.asarray(_spelled(raw), dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)
