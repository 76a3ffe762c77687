"""One curve of positive values of many sizes: the axis counts decades, and an infinite value stands at its top."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures.canvas import Frame, empty, layout
from ergoscope_ui.figures.levels import Level, hold
from ergoscope_ui.figures.line import line, numbers
from ergoscope_ui.words import number

_MOST = 5  # ticks
_MARGIN = 0.15  # decades beyond the outermost value


def chart(curve: Curve | None, frame: Frame, *, name: str, levels: Sequence[Level] = ()) -> JsonObject:
    """Draw a curve over the steps and levels to hold it against; a value of zero or below is left out.

    It does not grow with the live stream, since its axis is not the values': it is asked for anew.
    """
    if curve is None or not curve.size:
        return empty(frame, f"no {name} yet")
    logs = np.log10(np.where(curve.mean > 0, curve.mean, np.nan))
    held = [replace(level, value=float(np.log10(level.value))) for level in levels]
    low, high = _ends(np.append(logs, [level.value for level in held]))
    ground = layout(frame, low=low, high=high)
    ticks = _ticks(low, high)
    across = ground["yaxis"] if isinstance(ground["yaxis"], dict) else {}
    ground["yaxis"] = {**across, "tickvals": ticks, "ticktext": [number(10.0**tick) for tick in ticks]}
    ground["meta"] = {"grows": []}
    drawn: JsonObject = {
        **line(curve, colour=frame.palette.descend, name=name),
        "y": numbers(logs),
        "customdata": numbers(curve.mean),
        "hovertemplate": "%{customdata:.4g}",
    }
    endless = curve.last[np.isposinf(curve.final)]
    return hold({"data": [drawn, _top(endless.tolist(), high, frame)], "layout": ground}, held, frame.palette)


def _ends(logs: Values) -> tuple[float, float]:
    """Whole powers of ten around all values, at least one decade apart; where there is none, around 1."""
    known = logs[np.isfinite(logs)] if np.isfinite(logs).any() else np.zeros(1)
    low, high = np.floor(known.min() - _MARGIN), np.ceil(known.max() + _MARGIN)
    return float(low), float(high)


def _ticks(low: float, high: float) -> list[int]:
    return list(range(int(low), int(high) + 1, max(1, -(-int(high - low) // _MOST))))


def _top(steps: Sequence[int], high: float, frame: Frame) -> JsonObject:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "infinite",
        "x": list(steps),
        "y": [high] * len(steps),
        "marker": {"symbol": "triangle-up", "size": 8, "color": frame.palette.descend},
        "hovertemplate": "infinite",
        "cliponaxis": False,
    }
