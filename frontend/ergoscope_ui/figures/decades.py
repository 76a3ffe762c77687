"""Positive values of many sizes: the axis counts decades, and an infinite value stands at its top."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures.canvas import Frame, empty, layout
from ergoscope_ui.figures.comparison import Strand
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
    logs = _logs(curve)
    held = [replace(level, value=float(np.log10(level.value))) for level in levels]
    low, high = _ends(np.append(logs, [level.value for level in held]))
    ground = _ground(frame, low, high)
    drawn = _drawn(line(curve, colour=frame.palette.descend, name=name), curve)
    endless = curve.last[np.isposinf(curve.final)]
    return hold({"data": [drawn, _top(endless.tolist(), high, frame)], "layout": ground}, held, frame.palette)


def overlay(strands: Sequence[Strand], frame: Frame, *, absent: str) -> JsonObject:
    """Draw several curves on one axis of decades; `absent` is said when there is none."""
    drawn = [strand for strand in strands if strand.curve.size]
    if not drawn:
        return empty(frame, absent)
    low, high = _ends(np.concatenate([_logs(strand.curve) for strand in drawn]))
    traces = [_drawn(line(s.curve, colour=s.colour, name=s.name, dash=s.dash), s.curve) for s in drawn]
    return {"data": traces, "layout": _ground(frame, low, high)}


def _logs(curve: Curve) -> Values:
    logs: Values = np.log10(np.where(curve.mean > 0, curve.mean, np.nan))
    return logs


def _ground(frame: Frame, low: float, high: float) -> JsonObject:
    ground, ticks = layout(frame, low=low, high=high), _ticks(low, high)
    across = ground["yaxis"] if isinstance(ground["yaxis"], dict) else {}
    ground["yaxis"] = {**across, "tickvals": ticks, "ticktext": [number(10.0**tick) for tick in ticks]}
    ground["meta"] = {"grows": []}
    return ground


def _drawn(trace: JsonObject, curve: Curve) -> JsonObject:
    values = {"y": numbers(_logs(curve)), "customdata": numbers(curve.mean), "hovertemplate": "%{customdata:.4g}"}
    return {**trace, **values}


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
