"""The loss around the weights: along a line, or over a plane as shades with the parabola's contours on them."""

import numpy as np

from ergoscope_contract.answers import Landscape
from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Values
from ergoscope_ui.figures.axes import tick
from ergoscope_ui.figures.heatmap import rows_of
from ergoscope_ui.figures.line import numbers
from ergoscope_ui.figures.plain import plain
from ergoscope_ui.theme import Palette, template, translucent

MEASURED, RUNNING, PARABOLA = "measured", "running statistics", "parabola"
_UNIT = "distance in weight norm"
_DASH = "7px,4px"
_LEVELS = 7  # contours on a plane, at most


def distances(shown: Landscape, axis: int) -> Values:
    """Offsets along an axis as distances in weight norm."""
    return np.asarray(shown.offsets[axis], dtype=np.float64) * shown.scales[axis]


def line(shown: Landscape, colours: Palette) -> JsonObject:
    """Draw a slice along one direction: loss over distance, the parabola dashed, the last update as a band."""
    across = distances(shown, 0)
    measured, parabola = np.asarray(shown.values, np.float64), np.asarray(shown.predicted, np.float64)
    running = np.asarray(shown.running, np.float64)
    traces = [_points(across, measured, MEASURED, colours.descend)]
    if running.size:
        traces.append(_points(across, running, RUNNING, colours.descend, dash="dot", symbol="circle-open"))
    if parabola.size:
        traces.append(_dashed(across, parabola, colours))
    low, high = _reach(np.concatenate([measured, running]), parabola)
    ground = _ground(colours, shown.axes[0], "loss")
    ground["xaxis"] = {**_axis(ground["xaxis"]), "range": _ends(across)}
    ground["yaxis"] = {**_axis(ground["yaxis"]), "range": [low, high]}
    ground["shapes"] = _centre(colours)
    if shown.update:
        ground["shapes"] = [*_update(shown.update, colours), *_centre(colours)]
        _in_updates(ground, traces, across, shown.update, low)
    return {"data": traces, "layout": ground}


def plane(shown: Landscape, colours: Palette, *, running: bool = False) -> JsonObject:
    """Draw a slice over two directions: the loss as shades and contours, the parabola's contours of the same levels.

    running: the loss with the normalisation layers on running statistics instead, to which no parabola belongs.
    """
    across, up = distances(shown, 0), distances(shown, 1)
    shape = (across.size, up.size)
    loss = np.asarray(shown.running if running else shown.values, np.float64).reshape(shape).T
    traces = [_shades(across, up, loss, colours)]
    levels = _levels(loss)
    if levels is not None:
        traces.append(_contours(across, up, loss, levels, colours.ink, dash="solid"))
    if levels is not None and shown.predicted and not running:
        parabola = np.asarray(shown.predicted, np.float64).reshape(shape).T
        traces.append(_contours(across, up, parabola, levels, colours.soft, dash=_DASH))
    traces.append(_weights(colours))
    ground = _ground(colours, shown.axes[0], shown.axes[1])
    ground["xaxis"] = {**_axis(ground["xaxis"]), "range": _ends(across), "showgrid": False}
    ground["yaxis"] = {**_axis(ground["yaxis"]), "range": _ends(up), "showgrid": False}
    if shown.running:
        ground["annotations"] = [_heading(RUNNING if running else shown.mode or MEASURED, colours)]
    return {"data": traces, "layout": ground}


def _ground(colours: Palette, across: str, up: str) -> JsonObject:
    return {
        "template": template(colours),
        "margin": {"l": 66, "r": 8, "t": 34, "b": 58},
        "dragmode": False,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": f"{plain(across)}<br>{_UNIT}", "standoff": 6},
            "tickformat": ".3~g",
            "fixedrange": True,
        },
        "yaxis": {"title": {"text": plain(up)}, "fixedrange": True},
    }


def _heading(text: str, colours: Palette) -> JsonObject:
    at: JsonObject = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"}
    return {**at, "text": plain(text), "yshift": 6, "showarrow": False, "font": {"color": colours.soft, "size": 12}}


def _axis(told: object) -> JsonObject:
    return told if isinstance(told, dict) else {}


def _ends(at: Values) -> list[float]:
    room = 0.02 * float(at[-1] - at[0])
    return [float(at[0]) - room, float(at[-1]) + room]


def _reach(measured: Values, parabola: Values) -> tuple[float, float]:
    """The value axis: all that was measured, and the parabola as far as twice that height."""
    known = measured[np.isfinite(measured)]
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    body = max(high - low, 1e-3 * max(abs(high), abs(low)), 1e-12)
    near = parabola[np.isfinite(parabola) & (parabola > low - body / 2) & (parabola < high + body / 2)]
    low, high = min([low, *near.tolist()]), max([high, *near.tolist()])
    unit = tick(body / 6)
    return float(np.floor(low / unit - 0.02) * unit), float(np.ceil(high / unit + 0.02) * unit)


def _points(
    at: Values, values: Values, name: str, colour: str, *, dash: str = "solid", symbol: str = "circle"
) -> JsonObject:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": at.tolist(),
        "y": numbers(values),
        "line": {"color": colour, "width": 1.6, "dash": dash},
        "marker": {"size": 5, "color": colour, "symbol": symbol},
        "hovertemplate": f"%{{x:.3~g}}: %{{y:.5~g}}<extra>{plain(name)}</extra>",
    }


def _dashed(at: Values, values: Values, colours: Palette) -> JsonObject:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": PARABOLA,
        "x": at.tolist(),
        "y": numbers(values),
        "line": {"color": colours.soft, "width": 1.4, "dash": "dash"},
        "hovertemplate": f"%{{x:.3~g}}: %{{y:.5~g}}<extra>{PARABOLA}</extra>",
    }


def _centre(colours: Palette) -> list[JsonObject]:
    stroke: JsonObject = {"color": colours.faint, "width": 1, "dash": "dot"}
    return [{"type": "line", "name": "weights", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": stroke}]


def _update(update: float, colours: Palette) -> list[JsonObject]:
    area: JsonObject = {"fillcolor": translucent(colours.warm, 0.35), "line": {"width": 0}, "layer": "below"}
    return [{"type": "rect", "name": "update", "x0": -update, "x1": update, "yref": "paper", "y0": 0, "y1": 1, **area}]


def _in_updates(ground: JsonObject, traces: list[JsonObject], across: Values, update: float, low: float) -> None:
    """Add the axis on top that counts in lengths of the last update; plotly draws none without a trace of its own."""
    ends = _ends(across)
    ground["xaxis2"] = {
        "overlaying": "x",
        "side": "top",
        "tickmode": "auto",  # plotly would put ticks above those below, at no round numbers
        "range": [end / update for end in ends],
        "title": {"text": "in last updates", "standoff": 4},
        "tickformat": ".3~g",
        "fixedrange": True,
        "showgrid": False,
    }
    ground["margin"] = {"l": 66, "r": 8, "t": 44, "b": 58}
    bare: JsonObject = {"type": "scatter", "mode": "lines", "xaxis": "x2", "hoverinfo": "skip", "opacity": 0}
    traces.append({**bare, "x": [end / update for end in ends], "y": [low, low]})


def _shades(across: Values, up: Values, loss: Values, colours: Palette) -> JsonObject:
    return {
        "type": "heatmap",
        "x": across.tolist(),
        "y": up.tolist(),
        "z": rows_of(loss),
        "colorscale": [[0, colours.card], [1, colours.descend]],
        "hoverongaps": False,
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "len": 0.9,
            "exponentformat": "e",
            "minexponent": 2,
            "title": {"text": "loss", "side": "top"},
        },
        "hovertemplate": "%{x:.3~g}, %{y:.3~g}<br>loss %{z:.5~g}<extra></extra>",
    }


def _levels(loss: Values) -> tuple[float, float, float] | None:
    """First and last contour and what lies between two, in round numbers; None when there is nothing to tell apart."""
    known = loss[np.isfinite(loss)]
    low, high = (float(v) for v in np.quantile(known, [0.0, 0.9])) if known.size else (0.0, 0.0)
    if high - low <= 1e-6 * abs(high):
        return None
    size = tick(2.5 * (high - low) / (_LEVELS - 1))  # is at least what is asked without the 2.5
    return float(np.ceil(low / size) * size), float(np.floor(high / size) * size), size


def _contours(
    across: Values, up: Values, values: Values, levels: tuple[float, float, float], colour: str, *, dash: str
) -> JsonObject:
    first, last, size = levels
    return {
        "type": "contour",
        "name": PARABOLA if dash == _DASH else MEASURED,
        "x": across.tolist(),
        "y": up.tolist(),
        "z": rows_of(values),
        "contours": {"coloring": "none", "start": first, "end": last, "size": size},
        "line": {"color": colour, "width": 1.4, "dash": dash, "smoothing": 0.7},
        "showscale": False,
        "hoverinfo": "skip",
    }


def _weights(colours: Palette) -> JsonObject:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "weights",
        "x": [0],
        "y": [0],
        "marker": {"symbol": "cross-thin", "size": 11, "line": {"color": colours.ink, "width": 1.6}},
        "hovertemplate": "the weights<extra></extra>",
    }
