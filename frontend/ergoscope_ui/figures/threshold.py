"""The sharpness against its threshold: the curve, the threshold at 1, and the band where training hovers around it."""

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures import uncertain
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.theme import Palette, translucent

LOW, HIGH = 0.8, 1.1  # where full-batch training hovers
_AXIS = (0.0, 1.2)  # always in sight, so that the distance to the threshold is


def chart(curve: Curve | None, frame: Frame, *, name: str, errors: Values | None = None) -> JsonObject:
    """Draw the curve over the threshold, with a band where errors are known; without a curve, say so."""
    figure = uncertain.chart(curve, np.empty(0) if errors is None else errors, frame, name=name, holds=_AXIS)
    ground = figure["layout"]
    if curve is None or not curve.size or not isinstance(ground, dict):
        return figure
    shapes, notes = ground["shapes"], ground["annotations"]
    if isinstance(shapes, list) and isinstance(notes, list):
        ground = {**ground, "shapes": [*_edge(frame.palette), *shapes], "annotations": [*notes, _note(frame.palette)]}
    return {**figure, "layout": ground}


def _edge(colours: Palette) -> list[JsonObject]:
    across: JsonObject = {"xref": "paper", "x0": 0, "x1": 1}
    area: JsonObject = {"type": "rect", "name": "edge", "fillcolor": translucent(colours.edge, 0.14)}
    stroke: JsonObject = {"color": colours.edge, "width": 1.2, "dash": "dash"}
    return [
        {**across, **area, "layer": "below", "y0": LOW, "y1": HIGH, "line": {"width": 0}},
        {**across, "type": "line", "y0": 1, "y1": 1, "name": "threshold", "line": stroke},
    ]


def _note(colours: Palette) -> JsonObject:
    return {
        "x": 0,  # on the right the newest values stand
        "xref": "paper",
        "xanchor": "left",
        "y": HIGH,
        "yanchor": "bottom",
        "showarrow": False,
        "text": "threshold 1, the edge shaded",
        "font": {"color": colours.edge_ink, "size": 11},
    }
