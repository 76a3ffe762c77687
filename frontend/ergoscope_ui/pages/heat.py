"""The series of a run's layers as one heat map: asked for, and drawn as suits the quantity."""

from collections.abc import Mapping
from dataclasses import dataclass

from ergoscope_contract.answers import RunSummary
from ergoscope_contract.catalogue import entry
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import canvas, heatmap
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.heatmap import Grid, Told
from ergoscope_ui.layered import against
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import Palette

_LEAST = 1e-12  # where a colour scale ends at the least when nothing says how small values may be


@dataclass(frozen=True, slots=True)
class Heat:
    """What a heat map of layers is drawn from; `absent` stands in its place when there is nothing."""

    quantity: str
    summary: RunSummary
    curves: Mapping[str, Curve]
    absent: str = "no values by layer yet"


async def by_layer(
    client: Client, run: str, quantity: str, *, buckets: int, first: int | None, last: int | None
) -> dict[str, Curve]:
    """Ask for a quantity's series by layer, named by the layer."""
    found = await client.series(run, [f"{quantity}/*"], buckets=buckets, first=first, last=last)
    return {key.partition("/")[2]: curve for key, curve in found.items()}


def draw(heat: Heat, held: Address, settings: Settings, colours: Palette, *, height: int) -> tuple[JsonObject, int]:
    """The figure, and how many steps a column holds."""
    span = extent([heat.summary], heat.curves.values(), held)
    frame = span.frame(colours, unit="")
    known = {name: curve for name, curve in heat.curves.items() if curve.size}
    if not known:
        return canvas.empty(frame, heat.absent), 1
    newest = max(int(curve.last[-1]) for curve in known.values())
    last = max(min(newest, span.last), span.first)
    grid = heatmap.grid(known, columns=settings.columns, first=span.first, last=last)
    return _figure(heat.quantity, grid, frame, height=height), grid.step_width


def _figure(quantity: str, grid: Grid, frame: Frame, *, height: int) -> JsonObject:
    metric, how = entry(quantity), against(quantity)
    unit = "" if metric is None else metric.unit
    if how == "zero":
        limit = heatmap.largest(grid, least=_LEAST)
        told = Told(grid.values, unit)
        return heatmap.rising(
            grid, frame, colour=frame.palette.descend, limit=limit, title="", height=height, told=told
        )
    if how == "ratio":
        told = Told(grid.values, unit, colour="log10 against the median")
        return heatmap.diverging(heatmap.against_median(grid), frame, title="", height=height, told=told)
    told = Told(grid.values, unit)
    return heatmap.diverging(heatmap.from_median(grid), frame, title="", height=height, least=_LEAST, told=told)
