"""Several runs in one chart, and where they part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Steps, Values
from ergoscope_ui.figures.axes import reach
from ergoscope_ui.figures.canvas import Frame, empty, layout
from ergoscope_ui.figures.line import growth, line


@dataclass(frozen=True, slots=True)
class Strand:
    """One run's line: its curve, what it is divided by, colour, dash and whether the run still grows."""

    name: str
    curve: Curve
    colour: str
    dash: str = "solid"
    scale: float = 1.0
    grows: bool = False


def overlay(strands: Sequence[Strand], frame: Frame, *, absent: str) -> JsonObject:
    """Draw the strands on one axis; `absent` is said when there is none."""
    drawn = [strand for strand in strands if strand.curve.size]
    if not drawn:
        return empty(frame, absent)
    every = [np.concatenate([getattr(s.curve, part) / s.scale for s in drawn]) for part in ("low", "high", "mean")]
    low, high = reach(every[2], every[2], every[2])
    ground = layout(frame, low=low, high=high)
    traces = [line(s.curve, colour=s.colour, name=s.name, scale=s.scale, width=1.5, dash=s.dash) for s in drawn]
    grows = [growth(s.curve, scale=s.scale, line_at=i) for i, s in enumerate(drawn) if s.grows and frame.open_end]
    ground["meta"] = {"grows": grows, "exact": all(s.curve.exact for s in drawn)}
    return {"data": traces, "layout": ground}


@dataclass(frozen=True, slots=True)
class Parting:
    """How far one run is from the baseline, layer by layer.

    distance: shape (layers, steps): 1 is the edge of the baseline's band; NaN where one of them was not measured.
    leaves: by layer, the first step from which the distance stays above 1; None when it does not.
    """

    layers: tuple[str, ...]
    steps: Steps
    distance: Values
    leaves: tuple[int | None, ...]

    @property
    def first(self) -> tuple[int, str] | None:
        """The step and layer that leave first; None when none does."""
        gone = [(step, layer) for step, layer in zip(self.leaves, self.layers, strict=True) if step is not None]
        return min(gone) if gone else None


def part(base: Mapping[str, Curve], other: Mapping[str, Curve], *, columns: int) -> Parting:
    """Compare two runs layer by layer over the steps that both have.

    The band of a layer is the baseline's running median (over 9 columns, log10) give or take three times its robust
    scatter around it (1.4826 times the median distance), and at least 0.05, an eighth more or less.
    """
    layers = tuple(name for name in base if name in other and base[name].size and other[name].size)
    if not layers:
        return Parting(layers=(), steps=np.empty(0, dtype=np.int64), distance=np.empty((0, 0)), leaves=())
    first = max(int(min(side[name].first[0] for name in layers)) for side in (base, other))
    last = min(int(max(side[name].last[-1] for name in layers)) for side in (base, other))
    columns = max(2, min(columns, last - first + 1))
    steps = np.unique(np.linspace(first, max(last, first + 1), columns).round().astype(np.int64))
    rows = [_distance(_log(base[name], steps), _log(other[name], steps)) for name in layers]
    distance = np.vstack(rows)
    return Parting(layers=layers, steps=steps, distance=distance, leaves=tuple(leaves(row, steps) for row in rows))


def leaves(distance: Values, steps: Steps, *, lasting: int = 3) -> int | None:
    """The first step from which `distance` stays above 1 to the end; None when that is fewer than `lasting` columns."""
    known = np.isfinite(distance)
    inside = np.flatnonzero(known & (distance <= 1))
    start = int(inside[-1]) + 1 if inside.size else 0
    outside = np.flatnonzero(known[start:])
    return int(steps[start + outside[0]]) if outside.size >= lasting else None


def _log(curve: Curve, steps: Steps) -> Values:
    known = np.isfinite(curve.mean) & (curve.mean > 0)
    if not known.any():
        return np.full(steps.size, np.nan)
    return np.interp(steps, curve.last[known], np.log10(curve.mean[known]), right=np.nan)


def _distance(base: Values, other: Values) -> Values:
    middle = _running_median(base, reach=4)
    scatter = np.abs(base - middle)[np.isfinite(base)]
    half = max(0.05, 3 * 1.4826 * float(np.median(scatter))) if scatter.size else 0.05
    return np.abs(other - middle) / half


def _running_median(values: Values, *, reach: int) -> Values:
    padded = np.concatenate([np.full(reach, np.nan), values, np.full(reach, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    found = np.full(values.size, np.nan)
    some = np.isfinite(windows).any(axis=1)
    found[some] = np.nanmedian(windows[some], axis=1)
    return found
