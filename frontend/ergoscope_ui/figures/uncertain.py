"""Measured values with the error of each: a band around one curve, bars on each of several."""

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures import band
from ergoscope_ui.figures.axes import reach
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.line import numbers
from ergoscope_ui.theme import translucent


def sizes_at(curve: Curve, other: Curve | None) -> Values:
    """The sizes of another series at the steps of a curve, such as its errors: shape (stretches,).

    NaN where it has no value, and everywhere when either is made of stretches of steps: their means do not belong
    together.
    """
    found = np.full(curve.size, np.nan)
    if other is None or not other.size or not (curve.exact and other.exact):
        return found
    at = np.minimum(np.searchsorted(other.last, curve.last), other.size - 1)
    same = other.last[at] == curve.last
    found[same] = np.abs(other.mean[at[same]])
    return found


def chart(curve: Curve | None, errors: Values, frame: Frame, *, name: str, holds: tuple[float, ...] = ()) -> JsonObject:
    """Draw one curve with a band as wide as its errors; where none is known, as it is without them.

    Args:
        curve: What was measured.
        errors: One a stretch of it, as from `sizes_at`.
        frame: What the chart shows apart from it.
        name: Of the curve.
        holds: Values that the axis reaches to in any case.
    """
    known = np.isfinite(errors)
    if curve is None or not known.any():
        return band.chart(curve, frame, name=name, holds=holds)
    low = np.where(known, curve.mean - errors, curve.low)
    high = np.where(known, curve.mean + errors, curve.high)
    ends = np.concatenate([low, high])  # of which the axis leaves out one that is far from the rest, as of values
    figure = band.chart(curve, frame, name=name, holds=(*holds, *reach(low, high, ends)))
    data = figure["data"]
    if isinstance(data, list):
        data = [{**data[0], "y": numbers(high)}, {**data[1], "y": numbers(low)}, *data[2:]]
        if curve.size == 1:  # a band around one value is too narrow to be seen
            data[2] = bars(data[2], errors, colour=frame.palette.descend)
    return {"data": data, "layout": _without_growing_bands(figure["layout"])}


def _without_growing_bands(ground: object) -> JsonObject:
    """A layout of which the live stream extends the lines alone: it tells a value before the value's error."""
    layout = ground if isinstance(ground, dict) else {}
    meta = layout.get("meta", {})
    return {**layout, "meta": {**meta, "grows": [{**growth, "band": None} for growth in meta.get("grows", [])]}}


def bars(trace: JsonObject, errors: Values, *, colour: str) -> JsonObject:
    """Give a trace a thin bar as long as the error of each value."""
    drawn = {"type": "data", "array": numbers(errors), "thickness": 1, "width": 0, "color": translucent(colour, 0.5)}
    return {**trace, "error_y": drawn}
