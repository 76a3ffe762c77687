"""The charts of the comparison, from what the service answered."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from dash import html

from ergoscope_contract.answers import RunSummary
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address
from ergoscope_ui.client import Client
from ergoscope_ui.colours import dashes
from ergoscope_ui.curve import Curve
from ergoscope_ui.extent import ALIVE, extent
from ergoscope_ui.figures import canvas
from ergoscope_ui.figures.comparison import Parting, Strand, overlay, part
from ergoscope_ui.figures.heatmap import Grid, rising
from ergoscope_ui.figures.plain import plain
from ergoscope_ui.names import names_of
from ergoscope_ui.pages.start import start_of
from ergoscope_ui.panels.graph import foot_words
from ergoscope_ui.theme import Palette
from ergoscope_ui.words import count

_COLUMNS = 120


@dataclass(frozen=True, slots=True)
class Chart:
    """One overlay: the id of its graph, title, series, unit, and whether each run is divided by its own start."""

    name: str
    title: str
    metric: str
    unit: str
    by_start: bool = False


CHARTS = (
    Chart("compare-loss", "Loss", "loss", "loss"),
    Chart("compare-gradient", "Gradient norm / start", "grad_norm", "ratio", by_start=True),
    Chart("compare-update", "Relative update", "update_ratio", "‖Δ‖ / ‖w‖"),
    Chart("compare-lr", "Learning rate", "lr", "lr"),
)


@dataclass(frozen=True, slots=True)
class Material:
    """What the overlays are drawn from: runs (the baseline first), curves by run and metric, colour numbers."""

    runs: Sequence[RunSummary]
    curves: Mapping[str, Mapping[str, Curve]]
    starts: Mapping[str, float | None]
    colours: Mapping[str, int]
    shown: Address


async def starts(client: Client, runs: Sequence[str]) -> dict[str, float | None]:
    """The gradient norm at each run's start."""
    return dict(zip(runs, await asyncio.gather(*[start_of(client, run, own=False) for run in runs]), strict=True))


def figures(material: Material, palette: Palette) -> list[JsonObject]:
    """One overlay a chart, all over the same steps."""
    drawn = [curve for curves in material.curves.values() for curve in curves.values()]
    span = extent(material.runs, drawn, material.shown)
    return [
        overlay(_strands(material, chart, palette), span.frame(palette, unit=chart.unit), absent="no values yet")
        for chart in CHARTS
    ]


def feet(material: Material) -> list[object]:
    """What a point is, and the newest step drawn."""
    found: list[object] = []
    for chart in CHARTS:
        drawn = [by[chart.metric] for by in material.curves.values() if chart.metric in by and by[chart.metric].size]
        widths = sorted({curve.width for curve in drawn})
        how = "every measurement" if widths == [1] else f"means of up to {count(widths[-1] if widths else 1)} steps"
        newest = max((int(curve.last[-1]) for curve in drawn), default=None)
        found.append(foot_words(how if drawn else "", newest, chart=chart.name))
    return found


def parting(
    runs: Sequence[RunSummary],
    curves: Mapping[str, Mapping[str, Curve]],
    colours: Mapping[str, int],
    palette: Palette,
) -> tuple[JsonObject, object]:
    """The heat map of the run that is furthest from the baseline, and a sentence for every run."""
    if len(runs) < 2:
        return blank(palette, "choose a second run")[0], ""
    base = _layers(curves.get(runs[0].id, {}))
    found = [(run, part(base, _layers(curves.get(run.id, {})), columns=_COLUMNS)) for run in runs[1:]]
    names = names_of(runs)
    words = [_sentence(names[run.id], parted) for run, parted in found]
    sub = [
        "first step at which a layer's gradient norm leaves the baseline's band for good: ",
        html.B("; ".join(words)),
    ]
    run, parted = max(found, key=lambda pair: _furthest(pair[1]))
    if not parted.layers:
        return blank(palette, "absent, because the runs have no layer in common")[0], sub
    return _parting_figure(parted, palette, palette.runs[colours.get(run.id, 0)]), sub


def blank(palette: Palette, text: str, *, failed: bool = False) -> list[JsonObject]:
    """A blank for each overlay that says why."""
    frame = extent((), (), Address()).frame(palette, unit="")
    return [canvas.empty(frame, text, failed=failed) for _ in CHARTS]


def _strands(material: Material, chart: Chart, palette: Palette) -> list[Strand]:
    names = names_of(material.runs)
    styles = dashes([material.colours.get(run.id, 0) for run in material.runs])
    return [
        Strand(
            name=names[run.id],
            curve=material.curves[run.id][chart.metric],
            colour=palette.runs[material.colours.get(run.id, 0)],
            dash=style,
            scale=(material.starts.get(run.id) or 1.0) if chart.by_start else 1.0,
            grows=run.status in ALIVE,
        )
        for run, style in zip(material.runs, styles, strict=True)
        if chart.metric in material.curves.get(run.id, {})
    ]


def _layers(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    return {key.partition("/")[2]: curve for key, curve in curves.items() if curve.size}


def _furthest(parted: Parting) -> float:
    finite = parted.distance[np.isfinite(parted.distance)]
    return float(np.median(finite)) if finite.size else -1.0


def _sentence(name: str, parted: Parting) -> str:
    if not parted.layers:
        return f"{name} has no layer in common with it"
    first = parted.first
    if first is None:
        return f"{name} stays within it"
    step, layer = first
    gone = sum(leave is not None for leave in parted.leaves)
    return f"{name} leaves at step {count(step)}, in {layer} ({gone} of {len(parted.layers)} layers leave)"


def _parting_figure(parted: Parting, palette: Palette, colour: str) -> JsonObject:
    steps = parted.steps.astype(np.float64)
    half = (steps[1] - steps[0]) / 2 if steps.size > 1 else 0.5
    edges = np.concatenate([steps - half, [steps[-1] + half]])
    grid = Grid(names=parted.layers, edges=edges, values=parted.distance)
    finite = parted.distance[np.isfinite(parted.distance)]
    limit = max(3.5, float(np.quantile(finite, 0.9))) if finite.size else 3.5
    frame = canvas.Frame(palette, "", first=int(steps[0]), last=int(steps[-1]))
    figure = rising(grid, frame, colour=colour, limit=limit, title="bands", height=250)
    there = [(step, layer) for step, layer in zip(parted.leaves, parted.layers, strict=True) if step is not None]
    diamonds: JsonObject = {
        "type": "scatter",
        "mode": "markers",
        "x": [step for step, _ in there],
        "y": [plain(layer) for _, layer in there],
        "marker": {"color": palette.ink, "size": 6, "symbol": "diamond"},
        "hovertemplate": "%{y} leaves at step %{x:,d}<extra></extra>",
    }
    data = figure["data"]
    return {**figure, "data": [*(data if isinstance(data, list) else []), diamonds]}
