"""A spectrum over the steps: curvature to the right, steps upward as on any axis, stronger where more of it lies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ergoscope_contract.answers import Mark
from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Values
from ergoscope_ui.figures.canvas import Frame, empty, layout, mark_line, mark_note
from ergoscope_ui.figures.heatmap import rows_of
from ergoscope_ui.figures.line import numbers
from ergoscope_ui.figures.signed import Signed, axis_for
from ergoscope_ui.spectrum import Spectrum, outliers, shares
from ergoscope_ui.theme import Palette, translucent
from ergoscope_ui.words import number

_CELLS = 160
_DECADES = 4  # of density that the colours tell apart; what lies alone is below that, and a point
_BEYOND = 3.0  # widths of the Gaussians that the axis goes beyond the outermost nodes
_GRAIN = 0.5  # on the axis: its ends move in such steps, so that it does not at every spectrum
_ALONE = 24  # a single spectrum is as high as one of so many


def chart(spectra: Sequence[Spectrum], frame: Frame, *, counts: Mapping[int, int], absent: str) -> JsonObject:
    """Draw spectra, each until half-way to the next, and their outliers as points.

    Args:
        spectra: In step order.
        frame: Its steps are those of the other charts.
        counts: Outliers by step, where they are known.
        absent: Said when there is no spectrum.
    """
    if not spectra:
        return empty(frame, absent)
    scale = axis_for(
        np.abs(np.concatenate([one.nodes for one in spectra])), np.concatenate([one.weights for one in spectra])
    )
    low, high = _ends(spectra, scale)
    edges = np.linspace(low, high, _CELLS + 1)
    steps, densities = _rows(spectra, scale.value(edges), span=frame.last - frame.first)
    heat = _heat(steps, edges, densities, scale, frame.palette)
    points = _points(spectra, counts, scale, frame.palette)
    return {"data": [heat, points], "layout": _ground(frame, scale, low, high, first=(steps[0] + steps[1]) / 2)}


def _ends(spectra: Sequence[Spectrum], scale: Signed) -> tuple[float, float]:
    margins = np.array([[s.nodes[0] - _BEYOND * s.width, s.nodes[-1] + _BEYOND * s.width] for s in spectra])
    low, high = scale.place(np.array([margins[:, 0].min(), margins[:, 1].max()]))
    return float(np.floor(low / _GRAIN) * _GRAIN), float(np.ceil(high / _GRAIN) * _GRAIN)


def _rows(spectra: Sequence[Spectrum], edges: Values, *, span: int) -> tuple[list[float], Values]:
    """Steps and densities, shape (rows, cells): a row a spectrum, and empty ones where the next is long in coming."""
    widths = np.diff(edges)
    steps = np.array([one.step for one in spectra], dtype=np.float64)
    usual = float(np.median(np.diff(steps))) if steps.size > 1 else max(1.0, span / _ALONE)
    rows = [shares(one, edges) / widths for one in spectra]
    blank = np.full(edges.size - 1, np.nan)
    at, drawn = [float(steps[0]) - usual], [blank]
    for step, row in zip(steps.tolist(), rows, strict=True):
        if step - at[-1] > 3 * usual:
            at, drawn = [*at, at[-1] + usual, step - usual], [*drawn, blank, blank]
        at, drawn = [*at, step], [*drawn, row]
    return [*at, at[-1] + usual], np.vstack([*drawn, blank])


def _heat(steps: Sequence[float], edges: Values, densities: Values, scale: Signed, colours: Palette) -> JsonObject:
    with np.errstate(divide="ignore"):
        logs = np.log10(densities)
    top = int(np.ceil(np.nanmax(logs)))
    middles = scale.value((edges[:-1] + edges[1:]) / 2)
    marks = list(range(top - _DECADES, top + 1, 2))
    return {
        "type": "heatmap",
        "x": edges.tolist(),
        "y": steps,
        "z": rows_of(np.round(logs, 2).astype(np.float64)),
        "zmin": top - _DECADES,
        "zmax": top,
        "customdata": [[float(f"{value:.3g}") for value in middles]] * len(steps),
        "colorscale": [[0, colours.card], [1, colours.descend]],
        "hoverongaps": False,
        "hovertemplate": "curvature %{customdata:.3~g}<br>step %{y:,d}<br>density 10^%{z:.1f}<extra></extra>",
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "len": 0.9,
            "tickvals": marks,
            "ticktext": [number(10.0**mark) for mark in marks],
            "title": {"text": "density", "side": "right"},
        },
    }


def _points(spectra: Sequence[Spectrum], counts: Mapping[int, int], scale: Signed, colours: Palette) -> JsonObject:
    """The outliers, each with a bar as long as its residual on either side."""
    found = [(one.step, *told) for one in spectra for told in outliers(one, counts.get(one.step, 0))]
    steps, values, residuals = np.array(found, dtype=np.float64).reshape(-1, 3).T
    places = scale.place(values)
    known = [f"± {number(residual, digits=2)}" if residual == residual else "" for residual in residuals.tolist()]
    bars: JsonObject = {"type": "data", "symmetric": False, "thickness": 1, "width": 0}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "outliers",
        "x": places.tolist(),
        "y": steps.astype(int).tolist(),
        "customdata": list(zip(values.tolist(), known, strict=True)),
        "error_x": {
            **bars,
            "array": numbers(scale.place(values + residuals) - places),
            "arrayminus": numbers(places - scale.place(values - residuals)),
            "color": translucent(colours.edge, 0.6),
        },
        "marker": {"size": 5, "color": colours.edge},
        "hovertemplate": "outlier at %{customdata[0]:.4g} %{customdata[1]}<br>step %{y:,d}<extra></extra>",
    }


def _ground(frame: Frame, scale: Signed, low: float, high: float, *, first: float) -> JsonObject:
    ground = layout(replace(frame, unit="step", marks=()), low=first, high=frame.last)
    places, words = scale.ticks(low, high)
    title = f"curvature, loss/weight²<br>linear below {number(scale.scale)}, logarithmic beyond"
    still: JsonObject = {"showgrid": False, "fixedrange": True}
    across: JsonObject = {"range": [low, high], "tickvals": places, "ticktext": words, "title": {"text": title}}
    upward: JsonObject = {"range": [first, frame.last], "tickformat": ",d", "title": {"text": "step"}}
    laid = [_laid(mark, frame.palette) for mark in frame.marks if first <= mark.step <= frame.last]
    return {
        **ground,
        "margin": {"l": 66, "r": 4, "t": 10, "b": 58},
        "hovermode": "closest",
        "dragmode": False,
        "xaxis": {**still, **across},
        "yaxis": {**still, **upward},
        "shapes": [_zero(frame.palette), *(line for line, _ in laid)],
        "annotations": [note for _, note in laid],
    }


def _zero(colours: Palette) -> JsonObject:
    stroke: JsonObject = {"color": colours.faint, "width": 1, "dash": "dot"}
    return {"type": "line", "name": "zero", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": stroke}


def _laid(mark: Mark, colours: Palette) -> tuple[JsonObject, JsonObject]:
    """A mark's line and sign as other charts have them, laid across: here the steps go upward."""
    line: JsonObject = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": mark.step, "y1": mark.step}
    note: JsonObject = {"xref": "paper", "x": 1, "xanchor": "right", "yref": "y", "y": mark.step}
    return {**mark_line(mark, colours), **line}, {**mark_note(mark, colours), **note}
