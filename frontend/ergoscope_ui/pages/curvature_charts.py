"""The charts of a run's curvature with their words, from what the service answered: no question is asked here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from dash import dcc
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_contract.catalogue import ALL
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address, link
from ergoscope_ui.cadence import News, whole_reasons
from ergoscope_ui.colours import dashes
from ergoscope_ui.curve import Curve, Values, from_points
from ergoscope_ui.extent import Extent
from ergoscope_ui.figures import canvas, comparison, threshold, uncertain, waterfall
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.pages.run_charts import foot_of, resolution
from ergoscope_ui.panels import curvature as panel
from ergoscope_ui.panels.graph import foot_words
from ergoscope_ui.spectrum import Spectrum
from ergoscope_ui.theme import Palette
from ergoscope_ui.titles import axis, title

RATIO, SIZE, RESIDUAL = "sharpness_ratio", "lambda_max", "lambda_max_residual"
TRACE, COUNT, DENSITY = "hess_trace", "outlier_count", "spectral_density"
_LINES = 6  # blocks that have a line of their own


@dataclass(frozen=True, slots=True)
class Material:
    """What the charts are drawn from.

    curves: those that have points. news: what the events tell of how they were obtained.
    part: "/name" where trace and spectrum are a block's.
    """

    summary: RunSummary
    verdict: Verdict
    news: News
    curves: Mapping[str, Curve]
    extent: Extent
    colours: Palette
    part: str = ""

    @property
    def now(self) -> int:
        """The newest step of the run, or where the charts end before it."""
        return min(self.summary.last_step or 0, self.extent.last)

    def frame(self, key: str) -> Frame:
        """What a chart of a series shows apart from it."""
        return self.extent.frame(self.colours, unit=axis(key), marks=self.verdict.marks)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart: the figure, the line above it and the foot below; `there` unless its card has nothing to say."""

    figure: JsonObject
    words: panel.Words
    foot: Sequence[Component]
    there: bool = True


def measured(keys: Iterable[str]) -> bool:
    """Whether anything of a run's curvature has been measured."""
    return any(key.partition("/")[0] in (RATIO, *panel.TOPS, TRACE, COUNT) for key in keys)


def parts_of(keys: Iterable[str]) -> list[str]:
    """Of which parts of the model trace and spectrum are measured: "" for the whole, then blocks by name.

    Example:
        >>> parts_of(["hess_trace/conv1", "hess_trace", "outlier_count/fc", "loss/x"])
        ['', 'conv1', 'fc']
    """
    split = (key.partition("/") for key in keys)
    return sorted({part for quantity, _, part in split if quantity in (TRACE, COUNT)})


def sharpness(m: Material) -> Drawn:
    """The whole model's, against its threshold where there is one, else in its own unit."""
    key = RATIO if RATIO in m.curves else SIZE
    curve, frame = m.curves.get(key), m.frame(key)
    if curve is None:
        return Drawn(canvas.empty(frame, panel.absent(ALL[key], m.news)), [], [], there=not _blocks(m.curves))
    errors = uncertain.sizes_at(curve, m.curves.get(RESIDUAL))
    if key == SIZE:
        figure = uncertain.chart(curve, errors, frame, name=title(key))
    else:
        errors = errors * _multiple(curve, m.curves)
        figure = threshold.chart(curve, frame, name=title(key), errors=errors)
    return _told(m, key, figure, panel.sharpness_words(m.curves, m.news), panel.SHARPNESS, errors, band="residual")


def _multiple(ratio: Curve, curves: Mapping[str, Curve]) -> Values:
    """What an eigenvalue is multiplied by for the ratio, at each step of it."""
    plain, scaled = (uncertain.sizes_at(ratio, curves.get(key)) for key in panel.TOPS)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Values = np.abs(ratio.mean) / np.where(np.isfinite(plain), plain, scaled)
    return found


def blocks(m: Material) -> Drawn:
    """The sharpness of blocks, a line each of those that are steepest now."""
    found, frame = _blocks(m.curves), m.frame(SIZE)
    if not found:
        return Drawn(canvas.empty(frame, ""), [], [], there=False)
    colours = {name: i % len(m.colours.runs) for i, name in enumerate(sorted(found))}
    steepest = sorted(found, key=lambda name: -_newest(found[name]))[:_LINES]
    styles = dashes([colours[name] for name in steepest])
    strands = [
        comparison.Strand(name, found[name], m.colours.runs[colours[name]], style, grows=m.extent.open_end)
        for name, style in zip(steepest, styles, strict=True)
    ]
    figure = comparison.overlay(strands, frame, absent="")
    errors = [uncertain.sizes_at(found[name], m.curves.get(f"{RESIDUAL}/{name}")) for name in steepest]
    traces = figure["data"] if isinstance(figure["data"], list) else []
    barred = [
        uncertain.bars(trace, error, colour=strand.colour)
        for trace, error, strand in zip(traces, errors, strands, strict=True)
    ]
    keys = [(name, colours[name], style) for name, style in zip(steepest, styles, strict=True)]
    foot = foot_of(found[steepest[0]], SIZE, m.news, chart=panel.BLOCKS, band="bars ± residual", now=m.now)
    words = [*panel.legend(keys, more=_more(m, len(found) - _LINES)), *_late(m, SIZE, found[steepest[0]])]
    return Drawn({**figure, "data": barred}, words, foot)


def _blocks(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    return {key.partition("/")[2]: curve for key, curve in curves.items() if key.startswith(f"{SIZE}/")}


def _newest(curve: Curve) -> float:
    value = float(curve.final[-1])
    return value if np.isfinite(value) else -np.inf


def _more(m: Material, number: int) -> panel.Words:
    """Where the others are: a heat map has a row for each."""
    target = Address(page="run", run=m.summary.id, tab="layers", quantity=SIZE)
    return [dcc.Link(f"and {number} more", href=link(target), className="quiet")] if number > 0 else []


def trace(m: Material) -> Drawn:
    """The trace with its standard error."""
    key = f"{TRACE}{m.part}"
    curve, frame = m.curves.get(key), m.frame(key)
    if curve is None:
        return Drawn(canvas.empty(frame, panel.absent(ALL[TRACE], m.news)), [], [])
    errors = uncertain.sizes_at(curve, m.curves.get(f"{TRACE}_error{m.part}"))
    figure = uncertain.chart(curve, errors, frame, name=title(key))
    return _told(m, key, figure, panel.trace_words(m.curves, m.part), panel.TRACE, errors, band="standard error")


def spectrum(m: Material, spectra: Sequence[Spectrum]) -> Drawn:
    """The density over the steps, with the outliers on it."""
    frame = m.frame(DENSITY)
    if not spectra:
        return Drawn(canvas.empty(frame, panel.absent(ALL[DENSITY], m.news)), [], [])
    figure = waterfall.chart(spectra, frame, counts=_counts(m.curves.get(f"{COUNT}{m.part}")), absent="")
    steps = [one.step for one in spectra]
    readings = from_points(m.summary.id, DENSITY, steps, [0.0] * len(steps))
    how = "; ".join([spectra[-1].how, resolution(readings, DENSITY, m.news)])
    more = "\n".join(filter(None, [how, whole_reasons(m.news.cadence(DENSITY)), m.news.remark(DENSITY)]))
    foot = foot_words(how, steps[-1], chart=panel.SPECTRUM, more=more, ago=m.now - steps[-1])
    words = panel.spectrum_words(m.curves, m.part, m.summary.config)
    return Drawn(figure, [*words, *_late(m, DENSITY, readings)], foot)


def _counts(curve: Curve | None) -> dict[int, int]:
    """Outliers by step."""
    if curve is None:
        return {}
    known = np.isfinite(curve.mean)
    return dict(zip(curve.last[known].tolist(), curve.mean[known].astype(int).tolist(), strict=True))


def _told(
    m: Material, key: str, figure: JsonObject, words: panel.Words, name: str, errors: Values, *, band: str
) -> Drawn:
    curve = m.curves[key]
    drawn = f"band ± {band}" if np.isfinite(errors).any() else ""
    foot = foot_of(curve, key, m.news, chart=name, band=drawn, now=m.now)
    return Drawn(figure, [*words, *_late(m, key, curve)], foot)


def _late(m: Material, key: str, curve: Curve) -> panel.Words:
    return panel.given_up(key, m.news) or panel.old(curve.last, m.news.cadence(key), now=m.now)
