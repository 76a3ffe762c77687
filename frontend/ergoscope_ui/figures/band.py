"""One curve with its band: the chart of a question."""

from collections.abc import Sequence

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve
from ergoscope_ui.figures.axes import beyond, reach
from ergoscope_ui.figures.canvas import Frame, empty, layout
from ergoscope_ui.figures.line import band, growth, holes, line
from ergoscope_ui.words import count, number


def chart(
    curve: Curve | None,
    frame: Frame,
    *,
    name: str,
    scale: float = 1.0,
    zero: bool = True,
    holds: Sequence[float] = (),
) -> JsonObject:
    """Draw one curve, divided by `scale`, over the smallest and largest value of each stretch.

    zero: the value axis begins there when that is near. holds: values that it reaches to in any case.
    A value far above the rest is left outside the axis and named in words.
    """
    if curve is None or not curve.size:
        return empty(frame, f"no {name} yet")
    colours = frame.palette
    low, high = reach(curve.low / scale, curve.high / scale, curve.mean / scale, zero=zero)
    low, high = min([low, *holds]), max([high, *holds])
    ground = layout(frame, low=low, high=high)
    traces = [
        *band(curve, colour=colours.descend, scale=scale),
        line(curve, colour=colours.descend, name=name, scale=scale),
        holes(curve, colour=colours.diverge, floor=low),
    ]
    grows = [growth(curve, scale=scale, line_at=2, band_at=0, holes_at=3)] if frame.open_end else []
    ground["meta"] = {"grows": grows, "exact": curve.exact, "width": curve.width}
    _name_the_peak(ground, curve, frame, scale=scale, high=high)
    return {"data": traces, "layout": ground}


def level(figure: JsonObject, *, value: float, first: int, last: int, colour: str, name: str) -> JsonObject:
    """Add a bar at `value` from step `first` to `last`: a level that holds over these steps."""
    data = figure["data"]
    traces = list(data) if isinstance(data, list) else []
    bar: JsonObject = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [first, last],
        "y": [value, value],
        "line": {"color": colour, "width": 3},
        "hoverinfo": "skip",
    }
    return {**figure, "data": [*traces, bar]}


def _name_the_peak(ground: JsonObject, curve: Curve, frame: Frame, *, scale: float, high: float) -> None:
    index = beyond(np.asarray(curve.high / scale), high)
    notes = ground["annotations"]
    if index is None or not isinstance(notes, list):
        return
    step, value = int(curve.last[index]), float(curve.high[index] / scale)
    notes.append(
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "right",
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "showarrow": False,
            "text": f"▴ {number(value)} at step {count(step)}, above the chart",
            "font": {"color": frame.palette.edge_ink, "size": 11},
        }
    )
