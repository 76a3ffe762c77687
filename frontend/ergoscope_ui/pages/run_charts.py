"""The charts of the three questions, from what the service answered: no question is asked here."""

from collections.abc import Container, Mapping, Sequence

import numpy as np
from dash.development.base_component import Component

from ergoscope_contract.answers import Verdict
from ergoscope_contract.records import JsonObject
from ergoscope_ui.cadence import News, reasons, whole_reasons
from ergoscope_ui.curve import Curve, Values
from ergoscope_ui.dossier import Dossier
from ergoscope_ui.figures import band, decades, levels, threshold, uncertain
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.panels import measures, readings, stability, stabilization, stationarity
from ergoscope_ui.panels.curvature import RESIDUAL, TOPS
from ergoscope_ui.panels.graph import foot_words
from ergoscope_ui.theme import Palette
from ergoscope_ui.titles import title
from ergoscope_ui.words import count


def figures(about: Dossier, *, start: float | None, stable: str) -> list[JsonObject]:
    """Gradient norm against its start, loss with its settled mean, sharpness or, without one, relative update.

    Args:
        about: The run.
        start: The gradient norm at the start; None while unknown.
        stable: What the chart of stability shows.
    """
    curves = about.curves
    unit = "‖g‖ / start" if start else "‖g‖"
    frame = about.frame("grad_norm", unit=unit)
    gradient = band.chart(curves.get("grad_norm"), frame, name="gradient norm", scale=start or 1.0)
    loss = band.chart(curves.get("loss"), about.frame("loss", unit="loss"), name="loss", zero=False)
    third = chart_of(stable, curves.get(stable), about.frame(stable), _errors(about, stable))
    return [gradient, _with_mean(loss, about.verdict, about.colours), third]


def stability_key(keys: Container[str]) -> str:
    """What the chart of stability shows of a run that has these series."""
    return stability.SHARPNESS if stability.SHARPNESS in keys else "update_ratio"


def _errors(about: Dossier, stable: str) -> Values | None:
    return residuals_of_ratio(about.curves) if stable == stability.SHARPNESS else None


def residuals_of_ratio(curves: Mapping[str, Curve]) -> Values:
    """Residuals of the eigenvalues that the sharpness ratio is made of, in its unit: one a value, NaN where unknown."""
    ratio = curves.get(stability.SHARPNESS)
    if ratio is None:
        return np.empty(0)
    residual, plain, scaled = (uncertain.sizes_at(ratio, curves.get(key)) for key in (RESIDUAL, *TOPS))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Values = residual * np.abs(ratio.mean) / np.where(np.isfinite(plain), plain, scaled)
    return found


def chart_of(key: str, curve: Curve | None, frame: Frame, errors: Values | None = None) -> JsonObject:
    """The chart of one series, with what it is to be held against.

    errors: of each of its values, as from `sizes_at`.
    """
    name, measure = title(key), measures.ALL.get(key.partition("/")[0])
    errors = np.empty(0) if errors is None else errors
    if key == stability.SHARPNESS:
        return threshold.chart(curve, frame, name=name, errors=errors)
    if measure is None:
        return uncertain.chart(curve, errors, frame, name=name)
    if measure.decades:
        return decades.chart(curve, frame, name=name, levels=measure.levels)
    ends = (*measure.holds, *(level.value for level in measure.levels))
    figure = uncertain.chart(curve, errors, frame, name=name, holds=ends)
    return levels.hold(figure, measure.levels, frame.palette)


def feet(about: Dossier, *, stable: str) -> list[object]:
    """How each chart was obtained, and its newest step; of the sharpness, which is rare, how long ago that was."""
    drawn = {stationarity.NAME: "grad_norm", stabilization.NAME: "loss"}
    two = [foot_of(about.curves.get(key), key, about.news, chart=f"{name}-chart") for name, key in drawn.items()]
    errors = _errors(about, stable)
    residual = "band ± residual" if errors is not None and np.isfinite(errors).any() else ""
    now = None if errors is None else about.now
    curve, chart = about.curves.get(stable), f"{stability.NAME}-chart"
    return [*two, foot_of(curve, stable, about.news, chart=chart, band=residual, now=now)]


def foot_of(
    curve: Curve | None, key: str, news: News, *, chart: str, band: str = "", now: int | None = None, how: str = ""
) -> Sequence[Component]:
    """The foot line of a chart of one series: what a point is and why there are no more, and the newest step.

    Args:
        curve: What is drawn.
        key: Its name.
        news: What the agent tells of how it is obtained.
        chart: The id of its graph.
        band: What the chart's band is, where it is no minimum and maximum.
        now: The run's newest step, to tell the age.
        how: How it is obtained where the agent does not say.
    """
    newest = int(curve.last[-1]) if curve is not None and curve.size else None
    told = (resolution(curve, key, news), whole_reasons(news.cadence(key)), news.remark(key))
    seen = "; ".join(filter(None, [news.way(key) or how, told[0], band])) if newest is not None else ""
    return foot_words(seen, newest, chart=chart, more="\n".join(filter(None, told)), now=now)


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
    if curve.thinned_to is not None:
        told.append(f"up to step {count(curve.thinned_to)} few points are kept, with all extremes")
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
