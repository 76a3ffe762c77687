"""The charts of the three questions, from what the service answered: no question is asked here."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from dash.development.base_component import Component

from ergoscope_contract.answers import Verdict
from ergoscope_contract.records import JsonObject
from ergoscope_ui.cadence import News, reasons, whole_reasons
from ergoscope_ui.curve import Curve
from ergoscope_ui.extent import Extent
from ergoscope_ui.figures import band, threshold
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.panels import readings, stability, stabilization, stationarity
from ergoscope_ui.panels.graph import foot_words
from ergoscope_ui.theme import Palette
from ergoscope_ui.titles import axis, title
from ergoscope_ui.words import count


@dataclass(frozen=True, slots=True)
class Material:
    """What the three charts are drawn from; `start` is the gradient norm at the start, None while unknown.

    news: what the events tell of how the curves were obtained. stable: what the chart of stability shows.
    """

    verdict: Verdict
    curves: Mapping[str, Curve]
    start: float | None
    extent: Extent
    news: News = field(default_factory=News)
    stable: str = "update_ratio"


def figures(material: Material, colours: Palette) -> list[JsonObject]:
    """Gradient norm against its start, loss with its settled mean, sharpness or, without one, relative update."""
    marks = material.verdict.marks
    unit = "‖g‖ / start" if material.start else "‖g‖"
    gradient = band.chart(
        material.curves.get("grad_norm"),
        material.extent.frame(colours, unit=unit, marks=marks),
        name="gradient norm",
        scale=material.start or 1.0,
    )
    loss = band.chart(
        material.curves.get("loss"), material.extent.frame(colours, unit="loss", marks=marks), name="loss", zero=False
    )
    key = material.stable
    frame = material.extent.frame(colours, unit=axis(key), marks=marks)
    return [gradient, _with_mean(loss, material.verdict, colours), chart_of(key, material.curves.get(key), frame)]


def stability_key(keys: Container[str]) -> str:
    """What the chart of stability shows of a run that has these series."""
    return stability.SHARPNESS if stability.SHARPNESS in keys else "update_ratio"


def chart_of(key: str, curve: Curve | None, frame: Frame) -> JsonObject:
    """The chart of one series as it stands alone: the sharpness against its threshold, everything else by itself."""
    draw = threshold.chart if key == stability.SHARPNESS else band.chart
    return draw(curve, frame, name=title(key))


def feet(material: Material) -> list[object]:
    """How each chart was obtained, and the newest step in it."""
    drawn = {
        stationarity.NAME: "grad_norm",
        stabilization.NAME: "loss",
        stability.NAME: material.stable,
    }
    return [
        foot_of(material.curves.get(metric), metric, material.news, chart=f"{question}-chart")
        for question, metric in drawn.items()
    ]


def foot_of(
    curve: Curve | None, key: str, news: News, *, chart: str, band: str = "", now: int | None = None
) -> Sequence[Component]:
    """The foot line of a chart of one series: what a point is and why there are no more, and the newest step.

    band: what the chart's band is, where it is no minimum and maximum. now: the run's newest step, to tell the age.
    """
    newest = int(curve.last[-1]) if curve is not None and curve.size else None
    told = (resolution(curve, key, news), whole_reasons(news.cadence(key)), news.remark(key))
    seen = "; ".join(filter(None, [news.way(key), told[0], band])) if newest is not None else ""
    ago = now - newest if now is not None and newest is not None else 0
    return foot_words(seen, newest, chart=chart, more="\n".join(filter(None, told)), ago=ago)


def resolution(curve: Curve | None, key: str = "", news: News = News()) -> str:  # noqa: B008  # it is frozen
    """What a point of a chart is; where the quantity is thinned, why.

    Example:
        >>> from ergoscope_ui.curve import from_points
        >>> resolution(from_points("r", "loss", [1, 2], [0.5, 0.4]))
        'every step, as measured'
    """
    if curve is None or not curve.size:
        return ""
    told = [reasons(news.cadence(key))]
    if not curve.exact:
        told.append(f"mean of {count(curve.width)} steps, band min to max")
    elif curve.size == 1:
        told.append("one measurement")
    elif not told[0]:
        stride = int(np.median(np.diff(curve.last)))
        told.append("every step, as measured" if stride <= 1 else f"every measurement, {count(stride)} steps apart")
    inside = [gap for gap in news.gaps if gap.first <= curve.last[-1] and gap.last >= curve.first[0]]
    told += [f"coarser from step {count(g.first)} to {count(g.last)}: the job outran its sidecar" for g in inside]
    return "; ".join(filter(None, told))


def _with_mean(figure: JsonObject, verdict: Verdict, colours: Palette) -> JsonObject:
    mean, since = readings.find(verdict, stabilization.MEAN), stabilization.since(verdict)
    if mean is None or mean.value is None or since is None or mean.step is None:
        return figure
    return band.level(
        figure, value=mean.value, first=since, last=mean.step, colour=colours.settled, name="settled mean"
    )
