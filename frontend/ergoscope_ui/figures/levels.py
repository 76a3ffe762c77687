"""Values that a curve is to be held against: dashed lines across the chart, thin ones where they change, with names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve
from ergoscope_ui.figures.axes import tick
from ergoscope_ui.figures.line import numbers
from ergoscope_ui.figures.plain import plain
from ergoscope_ui.theme import Palette, translucent

_ROOM = 0.09  # of the chart's height that a name needs


@dataclass(frozen=True, slots=True)
class Level:
    """A value with its name; `edge` where training becomes unstable beyond it."""

    value: float
    name: str
    edge: bool = False


def hold(figure: JsonObject, levels: Sequence[Level], colours: Palette) -> JsonObject:
    """Draw levels behind a figure's curves; one that stands too near to the last one named has no name."""
    ground = figure["layout"]
    if not isinstance(ground, dict) or not figure["data"]:
        return figure
    shapes, notes = ([*ground[part]] for part in ("shapes", "annotations"))
    low, high = ground["yaxis"]["range"]
    named = np.inf
    for level in sorted(levels, key=lambda one: -one.value):
        shapes.append(_line(level, colours))
        if named - level.value > _ROOM * (high - low):
            notes.append(_note(level, colours))
            named = level.value
    return {**figure, "layout": {**ground, "shapes": shapes, "annotations": notes}}


def beside(figure: JsonObject, curve: Curve | None, name: str, colours: Palette) -> JsonObject:
    """Draw another series as a level that changes, named where it is now; the axis reaches to where it is."""
    ground, data = figure["layout"], figure["data"]
    if curve is None or not curve.size or not isinstance(ground, dict) or not isinstance(data, list) or not data:
        return figure
    stroke: JsonObject = {"color": colours.faint, "width": 1, "shape": "hv"}  # dashes would break up at its steps
    trace: JsonObject = {
        "type": "scatter",
        "mode": "lines",
        "name": plain(name),
        "x": curve.last.tolist(),
        "y": numbers(curve.mean),
        "line": stroke,
        "hovertemplate": "%{y:.3g}",
    }
    note = _note(Level(float(curve.mean[-1]), name), colours)
    low, high = ground["yaxis"]["range"]
    if (top := float(np.nanmax(curve.mean))) > high:
        unit = tick((top - low) / 6)
        high = math.ceil(top / unit + 0.5) * unit
    axis = {**ground["yaxis"], "range": [low, high]}
    return {"data": [*data, trace], "layout": {**ground, "yaxis": axis, "annotations": [*ground["annotations"], note]}}


def _line(level: Level, colours: Palette) -> JsonObject:
    stroke: JsonObject = {"color": colours.edge if level.edge else colours.faint, "width": 1.2, "dash": "dash"}
    ends: JsonObject = {"xref": "paper", "x0": 0, "x1": 1, "y0": level.value, "y1": level.value}
    return {"type": "line", "name": level.name, "layer": "below", "line": stroke, **ends}


def _note(level: Level, colours: Palette) -> JsonObject:
    return {
        "x": 0,  # on the right the newest values stand
        "xref": "paper",
        "xanchor": "left",
        "y": level.value,
        "yanchor": "bottom",
        "showarrow": False,
        "text": plain(level.name),
        "bgcolor": translucent(colours.card, 0.7),
        "borderpad": 1,
        "font": {"color": colours.edge_ink if level.edge else colours.soft, "size": 11},
    }
