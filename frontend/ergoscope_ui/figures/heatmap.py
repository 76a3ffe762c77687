"""Layers by steps, each against its own median: for anything with more than eight lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ergoscope_contract.records import JsonObject
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.figures.canvas import Frame, layout
from ergoscope_ui.figures.line import Numbers, numbers
from ergoscope_ui.figures.plain import plain
from ergoscope_ui.words import clip


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of layers, columns of steps.

    names: one a row. edges: first step of each column, one more than there are columns. values: shape (rows,
    columns), NaN where nothing was measured.
    """

    names: tuple[str, ...]
    edges: Values
    values: Values

    @property
    def step_width(self) -> int:
        """Steps in a column, rounded up."""
        return int(np.ceil(self.edges[1] - self.edges[0])) if self.edges.size > 1 else 1


@dataclass(frozen=True, slots=True)
class Told:
    """What pointing at a cell tells besides its colour: the values as measured, their unit, and what the colour is."""

    values: Values
    unit: str
    colour: str = ""


def grid(curves: Mapping[str, Curve], *, columns: int, first: int, last: int) -> Grid:
    """Put curves by layer name on common columns of steps, the maximum kept per column.

    A stretch that spans several columns fills each of them, and between two measurements the older one holds: what is
    measured every tenth step has no holes; the newest holds until the next is due. A gap more than three times as long
    as those beside it stays a gap.
    """
    names = tuple(curves)
    columns = max(1, min(columns, last - first + 1))
    edges = np.linspace(first, last + 1, columns + 1)
    values = np.full((len(names), columns), -np.inf)
    for row, name in enumerate(names):
        curve = curves[name]
        inside = (curve.last >= first) & (curve.first <= last) & np.isfinite(curve.high)
        start = np.clip(np.searchsorted(edges, curve.first[inside], side="right") - 1, 0, columns - 1)
        stop = np.clip(np.searchsorted(edges, curve.last[inside], side="right") - 1, 0, columns - 1)
        high = curve.high[inside]
        for shift in range(int((stop - start).max()) + 1 if start.size else 0):
            reaches = start + shift <= stop
            np.maximum.at(values[row], start[reaches] + shift, high[reaches])
    return Grid(names=names, edges=edges, values=_held(np.where(np.isneginf(values), np.nan, values)))


def _held(values: Values) -> Values:
    return np.vstack([_held_row(row) for row in values]) if values.size else values


def _held_row(row: Values) -> Values:
    known = np.flatnonzero(np.isfinite(row))
    if known.size < 2:
        return row
    lengths = np.diff(known)
    beside = np.maximum(np.append(0, lengths[:-1]), np.append(lengths[1:], 0)) if lengths.size > 1 else lengths
    held = np.repeat(lengths <= 3 * beside, lengths)  # of the columns from the first known one up to the last
    newest = np.repeat(known[:-1], lengths)
    filled = row.copy()
    filled[known[0] : known[-1]] = np.where(held, row[newest], row[known[0] : known[-1]])
    filled[known[-1] : known[-1] + int(lengths[-1])] = row[known[-1]]
    return filled


def against_median(grid: Grid) -> Grid:
    """log10 of each row less the row's median; rows and places without positive values become NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(grid.values > 0, np.log10(grid.values), np.nan)
    middle = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in logs])
    return Grid(names=grid.names, edges=grid.edges, values=logs - middle[:, None])


def from_median(grid: Grid) -> Grid:
    """Each row less its median."""
    middle = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in grid.values])
    return Grid(names=grid.names, edges=grid.edges, values=grid.values - middle[:, None])


def largest(grid: Grid, *, least: float) -> float:
    """Where a colour scale ends: the 99.5th percentile of the sizes of all values, at least `least`."""
    finite = np.abs(grid.values[np.isfinite(grid.values)])
    return max(least, float(np.quantile(finite, 0.995))) if finite.size else max(least, 1.0)


def diverging(
    grid: Grid, frame: Frame, *, title: str, height: int, least: float = 0.1, told: Told | None = None
) -> JsonObject:
    """Draw a grid of signed values around zero; the colours end at their 99.5th percentile, at least at `least`."""
    limit = largest(grid, least=least)
    colours = frame.palette
    middle = colours.card if colours.name == "dark" else colours.ground
    scale = [[0, colours.heat_low], [0.5, middle], [1, colours.heat_high]]
    return _draw(grid, frame, scale=scale, limits=(-limit, limit), title=title, height=height, told=told)


def rising(
    grid: Grid, frame: Frame, *, colour: str, limit: float, title: str, height: int, told: Told | None = None
) -> JsonObject:
    """Draw a grid of values from zero up to `limit` in shades of one colour."""
    scale = [[0, frame.palette.card], [1, colour]]
    return _draw(grid, frame, scale=scale, limits=(0.0, limit), title=title, height=height, told=told)


def _draw(
    grid: Grid,
    frame: Frame,
    *,
    scale: list[list[object]],
    limits: tuple[float, float],
    title: str,
    height: int,
    told: Told | None,
) -> JsonObject:
    trace: JsonObject = {
        "type": "heatmap",
        "x": ((grid.edges[:-1] + grid.edges[1:]) / 2).tolist(),
        "y": [plain(name) for name in grid.names],
        "z": rows_of(grid.values),
        "zmin": limits[0],
        "zmax": limits[1],
        "colorscale": scale,
        "hoverongaps": False,
        "hovertemplate": "%{y}<br>step %{x:,.0f}<br>%{z:.2f}<extra></extra>",
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "len": 0.9,
            "exponentformat": "e",
            "minexponent": 2,
            "title": {"text": plain(title), "side": "right"},
        },
    }
    if told is not None:
        trace["customdata"] = rows_of(told.values)
        colour = f"<br>{plain(told.colour)} %{{z:+.2f}}" if told.colour else ""
        value = f"%{{customdata:.3~g}} {plain(told.unit)}"
        trace["hovertemplate"] = f"%{{y}}<br>step %{{x:,.0f}}<br>{value}{colour}<extra></extra>"
    return {"data": [trace], "layout": _ground(grid, frame, height=height)}


def _ground(grid: Grid, frame: Frame, *, height: int) -> JsonObject:
    labels = [clip(name, 26) for name in grid.names]
    ground = layout(frame, low=0, high=1)
    margin = 18 + int(6.4 * max((len(label) for label in labels), default=4))
    ground["margin"] = {"l": margin, "r": 4, "t": 6, "b": 26}
    ground["hovermode"] = "closest"
    ground["height"] = height
    ground["xaxis"] = {"range": [float(grid.edges[0]), float(grid.edges[-1])], "nticks": 6, "tickangle": 0}
    ground["meta"] = {"rows": list(grid.names)}
    shown = list(thinned(len(labels), height=height - 32))
    ground["yaxis"] = {
        "type": "category",
        "fixedrange": True,
        "showgrid": False,
        "tickmode": "array",
        "tickvals": shown,
        "ticktext": [plain(labels[i]) for i in shown],
        "ticks": "",
        "ticklabelstandoff": 5,
    }
    return ground


def rows_of(values: Values) -> list[Numbers]:
    """A two-dimensional array as lists, gaps as None."""
    return [numbers(row) for row in values]


def thinned(rows: int, *, height: int, room: int = 13) -> Sequence[int]:
    """Which rows carry their name when each name needs `room` pixels: all, or every n-th.

    Example:
        >>> list(thinned(4, height=100)), list(thinned(40, height=130))
        ([0, 1, 2, 3], [0, 4, 8, 12, 16, 20, 24, 28, 32, 36])
    """
    fit = max(1, height // room)
    return range(0, rows, max(1, -(-rows // fit)))
