"""A curve as traces: the line, its band, and where it was not finite; and how the live stream extends them."""

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures.plain import plain
from ergoscope_ui.theme import translucent

Numbers = list[float | None]
_FEW = 60  # measurements up to which each is a point: between them nothing is known, and one alone is no line


def numbers(values: Values) -> Numbers:
    """Values as JSON can carry them: what is not finite becomes a gap.

    Example:
        >>> import numpy as np
        >>> numbers(np.array([1.0, np.nan]))
        [1.0, None]
    """
    return [v if v - v == 0 else None for v in values.tolist()]


def line(
    curve: Curve, *, colour: str, name: str, scale: float = 1.0, width: float = 1.6, dash: str = "solid"
) -> JsonObject:
    """The mean of each stretch, at the stretch's last step, divided by `scale`; few measurements are points too."""
    few = curve.exact and curve.size <= _FEW
    return {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "marker": {"size": 4, "color": colour},
        "name": plain(name),
        "x": curve.last.tolist(),
        "y": numbers(curve.mean / scale),
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": "%{y:.4g}",
    }


def band(curve: Curve, *, colour: str, scale: float = 1.0) -> list[JsonObject]:
    """The smallest and largest value of each stretch, as two thin lines with the area between filled."""
    edge: JsonObject = {"width": 0.7, "color": translucent(colour, 0.35)}  # a spike of one pixel must be seen
    bare: JsonObject = {"type": "scatter", "mode": "lines", "line": edge, "hoverinfo": "skip"}
    steps = curve.last.tolist()
    return [
        {**bare, "name": "high", "x": steps, "y": numbers(curve.high / scale)},
        {
            **bare,
            "name": "low",
            "x": list(steps),
            "y": numbers(curve.low / scale),
            "fill": "tonexty",
            "fillcolor": translucent(colour, 0.18),
        },
    ]


def holes(curve: Curve, *, colour: str, floor: float) -> JsonObject:
    """A cross at the foot of the chart for each stretch that holds values that are not finite."""
    there = curve.nonfinite > 0
    steps = curve.last[there].tolist()
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "not finite",
        "x": steps,
        "y": [floor] * len(steps),
        "marker": {"symbol": "x", "size": 7, "color": colour},
        "hovertemplate": "not finite",
        "cliponaxis": False,
    }


def growth(
    curve: Curve, *, scale: float, line_at: int, band_at: int | None = None, holes_at: int | None = None
) -> JsonObject:
    """What the live stream needs to extend these traces: read by assets/charts.js.

    width: steps of a stretch; newer points are folded into stretches of this width, so the line keeps its look.
    open: the last stretch (first step, points, mean before scaling), which still takes points.
    line, band, holes: which traces of the figure these are (`band` is the first of two).
    """
    last = curve.size - 1
    return {
        "run": curve.run,
        "metric": curve.metric,
        "cursor": curve.cursor,
        "width": curve.width,
        "scale": scale,
        "open": [int(curve.first[last]), int(curve.count[last]), numbers(curve.mean[last:])[0]] if last >= 0 else None,
        "line": line_at,
        "band": band_at,
        "holes": holes_at,
    }
