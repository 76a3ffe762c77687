"""The charts of a run's curvature with their words, from what the service answered: no question is asked here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from dash import dcc
from dash.development.base_component import Component

from ergoscope_contract.catalogue import ALL
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address, link
from ergoscope_ui.cadence import whole_reasons
from ergoscope_ui.colours import dashes
from ergoscope_ui.curve import Curve, Values, from_points
from ergoscope_ui.dossier import Dossier
from ergoscope_ui.figures import canvas, comparison, levels, uncertain, waterfall
from ergoscope_ui.pages.run_charts import chart_of, foot_of, residuals_of_ratio, resolution
from ergoscope_ui.panels import curvature as panel
from ergoscope_ui.panels import measures
from ergoscope_ui.panels.graph import foot_words
from ergoscope_ui.panels.measures import Measure
from ergoscope_ui.spectrum import Spectrum

RATIO, SIZE = "sharpness_ratio", "lambda_max"
TRACE, COUNT, DENSITY = "hess_trace", "outlier_count", "spectral_density"
_LINES = 6  # blocks that have a line of their own


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart: the figure, the line above it and the foot below."""

    figure: JsonObject
    words: panel.Words
    foot: Sequence[Component]


def measured(keys: Iterable[str]) -> bool:
    """Whether anything of a run's curvature has been measured."""
    return any(key.partition("/")[0] in (RATIO, *panel.TOPS, TRACE, COUNT) for key in keys)


def parts_of(keys: Iterable[str]) -> list[str]:
    """Of which parts of the model more than the sharpness is measured: "" for the whole, then blocks by name.

    Example:
        >>> parts_of(["hess_trace/conv1", "hess_trace", "outlier_count/fc", "loss/x"])
        ['', 'conv1', 'fc']
    """
    of_parts = (TRACE, COUNT, *(one.key for one in measures.PICTURE))
    split = (key.partition("/") for key in keys)
    return sorted({part for quantity, _, part in split if quantity in of_parts})


def sharpness(about: Dossier) -> Drawn | None:
    """The whole model's, against its threshold where there is one, else in its own unit; None of blocks alone."""
    key = RATIO if RATIO in about.curves else SIZE
    curve = about.curves.get(key)
    if curve is None:
        return None if _blocks(about.curves) else _nothing(about, key)
    ratio = key == RATIO
    errors = residuals_of_ratio(about.curves) if ratio else uncertain.sizes_at(curve, about.curves.get(panel.RESIDUAL))
    words = panel.sharpness_words(about.curves, about.news)
    return _told(about, key, words, panel.SHARPNESS, errors, band="residual")


def blocks(about: Dossier) -> Drawn | None:
    """The sharpness of blocks, a line each of those that are steepest now; None where there are none."""
    found, frame = _blocks(about.curves), about.frame(SIZE)
    if not found:
        return None
    colours = {name: i % len(about.colours.runs) for i, name in enumerate(sorted(found))}
    steepest = sorted(found, key=lambda name: -_newest(found[name]))[:_LINES]
    styles = dashes([colours[name] for name in steepest])
    strands = [
        comparison.Strand(name, found[name], about.colours.runs[colours[name]], style, grows=about.extent.open_end)
        for name, style in zip(steepest, styles, strict=True)
    ]
    figure = comparison.overlay(strands, frame, absent="")
    errors = [uncertain.sizes_at(found[name], about.curves.get(f"{panel.RESIDUAL}/{name}")) for name in steepest]
    traces = figure["data"] if isinstance(figure["data"], list) else []
    barred = [
        uncertain.bars(trace, error, colour=strand.colour)
        for trace, error, strand in zip(traces, errors, strands, strict=True)
    ]
    keys = [(name, colours[name], style) for name, style in zip(steepest, styles, strict=True)]
    foot = foot_of(found[steepest[0]], SIZE, about.news, chart=panel.BLOCKS, band="bars ± residual", now=about.now)
    words = [*panel.legend(keys, more=_more(about, len(found) - _LINES)), *_late(about, SIZE, found[steepest[0]])]
    return Drawn({**figure, "data": barred}, words, foot)


def _blocks(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    return {key.partition("/")[2]: curve for key, curve in curves.items() if key.startswith(f"{SIZE}/")}


def _newest(curve: Curve) -> float:
    value = float(curve.final[-1])
    return value if np.isfinite(value) else -np.inf


def _more(about: Dossier, number: int) -> panel.Words:
    """Where the others are: a heat map has a row for each."""
    target = Address(page="run", run=about.summary.id, tab="layers", quantity=SIZE)
    return [dcc.Link(f"and {number} more", href=link(target), className="quiet")] if number > 0 else []


def trace(about: Dossier, part: str) -> Drawn:
    """The trace with its standard error."""
    key = f"{TRACE}{part}"
    curve = about.curves.get(key)
    if curve is None:
        return _nothing(about, TRACE)
    errors = uncertain.sizes_at(curve, about.curves.get(f"{TRACE}_error{part}"))
    return _told(about, key, panel.trace_words(about.curves, part), panel.TRACE, errors, band="standard error")


def measure(about: Dossier, shown: Measure, part: str) -> Drawn | None:
    """One of the measures of `panels.measures`; None where it has no value yet."""
    part = part if shown in measures.PICTURE else ""
    key = f"{shown.key}{part}"
    if key not in about.curves:
        return None
    errors = uncertain.sizes_at(about.curves[key], about.curves.get(f"{shown.error}{part}"))
    words, name = shown.words(about.curves, part), panel.place_of(shown.key)
    symbol = ALL[shown.key].symbol  # a small chart has no room for the unit, which stands in the words
    drawn = _told(about, key, words, name, errors, band=shown.band, how=shown.how, unit=symbol)
    line = None if shown.against is None else shown.against(about.curves, part)
    if line is None:
        return drawn
    return replace(drawn, figure=levels.beside(drawn.figure, line[1], line[0], about.colours))


def spectrum(about: Dossier, part: str, spectra: Sequence[Spectrum]) -> Drawn:
    """The density over the steps, with the outliers on it."""
    if not spectra:
        return _nothing(about, DENSITY)
    figure = waterfall.chart(
        spectra, about.frame(DENSITY), counts=_counts(about.curves.get(f"{COUNT}{part}")), absent=""
    )
    steps = [one.step for one in spectra]
    readings = from_points(about.summary.id, DENSITY, steps, [0.0] * len(steps))
    how = "; ".join([spectra[-1].how, resolution(readings, DENSITY, about.news)])
    more = "\n".join(filter(None, [how, whole_reasons(about.news.cadence(DENSITY)), about.news.remark(DENSITY)]))
    foot = foot_words(how, steps[-1], chart=panel.SPECTRUM, more=more, now=about.now)
    words = panel.spectrum_words(about.curves, part, about.summary.config)
    return Drawn(figure, [*words, *_late(about, DENSITY, readings)], foot)


def _nothing(about: Dossier, key: str) -> Drawn:
    return Drawn(canvas.empty(about.frame(key), panel.absent(ALL[key], about.news)), [], [])


def _counts(curve: Curve | None) -> dict[int, int]:
    """Outliers by step."""
    if curve is None:
        return {}
    known = np.isfinite(curve.mean)
    return dict(zip(curve.last[known].tolist(), curve.mean[known].astype(int).tolist(), strict=True))


def _told(
    about: Dossier,
    key: str,
    words: panel.Words,
    name: str,
    errors: Values,
    *,
    band: str,
    how: str = "",
    unit: str | None = None,
) -> Drawn:
    """The chart of a series that has points, with its errors, and what they are called."""
    curve = about.curves[key]
    drawn = f"band ± {band}" if np.isfinite(errors).any() else ""
    foot = foot_of(curve, key, about.news, chart=name, band=drawn, now=about.now, how=how)
    return Drawn(chart_of(key, curve, about.frame(key, unit=unit), errors), [*words, *_late(about, key, curve)], foot)


def _late(about: Dossier, key: str, curve: Curve) -> panel.Words:
    return panel.given_up(key, about.news) or panel.old(curve.last, about.news.cadence(key), now=about.now)
