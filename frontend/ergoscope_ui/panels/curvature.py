"""The curvature of a run in words: its steepest direction, the sum of all, and how they are spread."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import Reading
from ergoscope_contract.catalogue import ALL, Metric
from ergoscope_contract.records import JsonObject
from ergoscope_ui.cadence import Cadence, News, reasons
from ergoscope_ui.curve import Curve, Steps
from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.readings import written
from ergoscope_ui.panels.settings_table import flat
from ergoscope_ui.panels.term import term
from ergoscope_ui.titles import heading, title
from ergoscope_ui.words import count, number

SHARPNESS, BLOCKS, TRACE, SPECTRUM = (f"curvature-{name}" for name in ("sharpness", "blocks", "trace", "spectrum"))
LINE = 'ergoscope.watch(model, optimizer, curvature="model")'
TOPS = ("lambda_max", "lambda_max_precond")  # largest eigenvalues, of which a ratio is made
RESIDUAL = "lambda_max_residual"
_SPREAD = ("hess_trace", "spectral_density")  # what many looks of the agent make together
_LATE = 3  # times the usual distance of two readings, after which the newest one is old
_MEANS, _EACH = 8, 5  # means of so many readings each, of which a standard error is known to a quarter
_CLASSES = ("num_classes", "n_classes", "classes", "num_labels")  # what a number of classes is called in settings

Words = list[Component | str]


def place_of(key: str) -> str:
    """The id of the chart of a measure."""
    return f"curvature-{key}"


def card(name: str, quantity: str, *, height: int, linked: bool = True, more: str = "") -> Component:
    """The place of a chart, headed by its quantity and `more`; callbacks fill `name`, `name`-sub and `name`-foot."""
    parts = [
        html.H2([term(heading(quantity), quantity), more]),
        html.Div(id=f"{name}-sub", className="sub two"),
        graph(name, height=height, linked=linked),
        foot(f"{name}-foot"),
    ]
    return html.Section(parts, id=f"{name}-card", className="card h")


def newest(curves: Mapping[str, Curve], key: str, *, error: str = "", share_of: str = "") -> Reading | None:
    """The newest value of a series, with its error where that came at the same step; None while there is no value.

    Args:
        curves: By name of the series.
        key: Of the value.
        error: Of the series of its errors; by default the quantity's own name with _error.
        share_of: Where the errors are those of another series, of which the value is a multiple: its name.
    """
    value, step = _last(curves.get(key))
    if value is None or step is None:
        return None
    quantity, slash, part = key.partition("/")
    half = _last(curves.get(error or f"{quantity}_error{slash}{part}"), at=step)[0]
    if half is not None and share_of:
        whole = _last(curves.get(share_of), at=step)[0]
        half = abs(half / whole * value) if whole else None
    low, high = (None, None) if half is None else (value - half, value + half)
    return Reading(quantity, value, low, high, step=step)


def _last(curve: Curve | None, *, at: int | None = None) -> tuple[float | None, int | None]:
    if curve is None or not curve.size:
        return None, None
    index = curve.size - 1 if at is None else min(int(np.searchsorted(curve.last, at)), curve.size - 1)
    step, value = int(curve.last[index]), float(curve.final[index])
    return (value, step) if at in (None, step) and math.isfinite(value) else (None, None)


def said(name: str, reading: Reading | None) -> Words:
    """A value with its error and unit behind a name that opens its definition; nothing for a value that is absent."""
    if reading is None:
        return []
    unit = ALL[reading.id].unit
    return [term(name, reading.id), " ", html.B(f"{written(reading)} {unit}".rstrip())]


def perhaps_infinite(name: str, key: str, curves: Mapping[str, Curve]) -> Words:
    """The same of a quantity that may be infinite, as where nothing of what it measures was seen."""
    curve = curves.get(key)
    if curve is not None and curve.size and math.isinf(curve.final[-1]):
        return [term(name, key), " ", html.B("infinite")]
    return said(name, newest(curves, key))


def averaged(name: str, key: str, curves: Mapping[str, Curve]) -> Words:
    """The mean of the newest forty readings of a quantity of which one says little; while there are fewer, the newest.

    Its standard error is that of eight means of five readings each.
    """
    curve = curves.get(key)
    values = np.empty(0) if curve is None or not curve.exact else curve.mean[np.isfinite(curve.mean)]
    if curve is None or values.size < _MEANS * _EACH:
        return said(name, newest(curves, key))
    means = values[-_MEANS * _EACH :].reshape(_MEANS, _EACH).mean(axis=1)
    mean, half = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(_MEANS)
    found = Reading(key, mean, mean - half, mean + half, step=int(curve.last[-1]))
    return [*said(name, found), f", the mean of {_MEANS * _EACH} readings"]


def joined(*parts: Words) -> Words:
    """What is said of several things in one line; those of which nothing is said are left out."""
    words: Words = []
    for part in parts:
        words += [*(["; "] if words and part else []), *part]
    return words


def old(steps: Steps, cadence: Cadence | None, *, now: int | None) -> Words:
    """A remark where no reading has come for three times as long as they were apart; empty where one is not due yet.

    Args:
        steps: Of the readings, rising.
        cadence: How often the quantity is taken, as the agent says.
        now: The run's newest step.
    """
    apart = int(np.median(np.diff(steps))) if steps.size > 1 else 0
    due = max(apart, cadence.period if cadence is not None else 0)
    if now is None or not steps.size or not due or now - int(steps[-1]) <= _LATE * due:
        return []
    text = f"Stale: the newest is {count(now - int(steps[-1]))} steps old, and one came every {count(due)}."
    return [html.Div(text, className="ink-drift")]


def legend(lines: Sequence[tuple[str, int, str]], *, more: Words) -> Words:
    """Names of lines, each with its colour's number and its dash, and what stands behind them."""
    keys = [html.Span([html.I(className=f"key run-{colour} {dash}"), name]) for name, colour, dash in lines]
    return [html.Div([*keys, *more], className="leg")]


def given_up(key: str, news: News) -> Words:
    """That a quantity is measured no more, in the agent's words."""
    why = news.obstacle(key)
    return [html.Div(f"No more of it: {why}.", className="ink-drift")] if why else []


def absent(metric: Metric, news: News) -> str:
    """Why there is no chart of a quantity, and what to write for one."""
    why, rare = news.obstacle(metric.id), reasons(news.cadence(metric.id))
    if why or metric.absent:
        return f"absent, because {why or metric.absent}"
    if rare and metric.id in _SPREAD:
        return f"no {title(metric.id)} yet; it needs 5 looks, on a fixed batch 25, and there is one {rare}"
    if rare:
        return f"no {title(metric.id)} yet; it is taken {rare}"
    if news.way(TOPS[0]):
        return f"no {title(metric.id)} yet"  # whoever asked for curvature need not be told how
    return f"no {title(metric.id)} yet; {LINE} measures it"


def unmeasured(news: News) -> Component:
    """What stands in the place of all charts where nothing of the curvature has been measured."""
    why = news.obstacle("lambda_max").removeprefix("curvature is not measured: ")
    told = f"{why[:1].upper()}{why[1:]}." if why else "A reading costs some ten steps' time, so it is there on request:"
    code = [] if why else [html.Pre(html.Code(LINE))]
    return html.Div([html.H2("Curvature is not measured"), html.P(told), *code], className="card notice")


def classes(config: JsonObject) -> int | None:
    """How many classes a run's settings name; None when they do not say.

    Example:
        >>> classes({"model": {"num_classes": 10}}), classes({"lr": 0.1})
        (10, None)
    """
    named = {name.rpartition(".")[2]: value for name, value in flat(config).items()}
    found = [named[name] for name in _CLASSES if name in named]
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)


def sharpness_words(curves: Mapping[str, Curve], news: News) -> Words:
    """How near the steepest curvature is to what the optimizer holds, or why there is no such threshold."""
    size = newest(curves, "lambda_max", error=RESIDUAL)
    ratio = _ratio(curves)
    if ratio is None:
        why = news.obstacle("sharpness_ratio")
        return joined(said("sharpness", size), [why] if why and size is not None else [])
    return joined([html.B(written(ratio)), " of what the optimizer holds"], said("sharpness", size))


def _ratio(curves: Mapping[str, Curve]) -> Reading | None:
    """The newest ratio; its error is that of the eigenvalue which it was made of."""
    at = _last(curves.get("sharpness_ratio"))[1]
    made_of = next((key for key in TOPS if _last(curves.get(key), at=at)[0] is not None), "")
    return newest(curves, "sharpness_ratio", error=RESIDUAL if made_of else "", share_of=made_of)


def trace_words(curves: Mapping[str, Curve], part: str) -> Words:
    """The sum of all curvatures and their size; `part` is "/name" for a block's."""
    return joined(
        said("trace", newest(curves, f"hess_trace{part}")),
        said("size", newest(curves, f"hess_fro{part}")),
    )


def spectrum_words(curves: Mapping[str, Curve], part: str, config: JsonObject) -> Words:
    """How many outliers there are, beside the number of classes where that is known, and how saddle-like it all is."""
    return joined(
        _outliers(curves, part, config),
        _negative(curves, part),
        said("smallest against largest", newest(curves, f"lla_re{part}")),
        said("negative against positive", newest(curves, f"lla_kh{part}")),
    )


def _outliers(curves: Mapping[str, Curve], part: str, config: JsonObject) -> Words:
    there, of = newest(curves, f"outlier_count{part}"), classes(config)
    if there is None or there.value is None:
        return []
    more = newest(curves, f"outliers_unresolved{part}")
    unsure = f", {count(more.value)} more unresolved" if more is not None and more.value else ""
    beside = "" if of is None else f" ({count(of)} classes)"
    noun = term("outlier" if there.value == 1 else "outliers", "outlier_count")
    return [html.B(count(there.value)), " ", noun, f" beyond the bulk{beside}{unsure}"]


def _negative(curves: Mapping[str, Curve], part: str) -> Words:
    low, high = (newest(curves, f"neg_curv_mass_{end}{part}") for end in ("low", "high"))
    words = said("negative curvature", newest(curves, f"neg_curv_mass{part}"))
    if words and low is not None and high is not None:
        words.append(f" ({number(low.value)} to {number(high.value)} left open)")
    return words
