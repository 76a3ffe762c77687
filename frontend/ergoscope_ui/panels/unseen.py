"""Quantities that have no chart: their newest value where there is one, else why there is none."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import Reading, Verdict
from ergoscope_contract.catalogue import Metric
from ergoscope_ui.cadence import News, reasons
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.readings import written
from ergoscope_ui.panels.term import term
from ergoscope_ui.titles import heading
from ergoscope_ui.words import count

NEVER = "no value has come from this run"  # then it is known here how rarely it is taken


def table(
    metrics: Sequence[Metric], verdict: Verdict, news: News, *, elsewhere: Mapping[str, str] | None = None
) -> list[Component]:
    """One line a quantity: those with a value first; nothing when every quantity has its chart.

    elsewhere: addresses of the charts of those that are measured by layer alone, by catalogue id.
    """
    if not metrics:
        return []
    readings = {reading.id: reading for reading in verdict.readings}
    valued = [metric for metric in metrics if metric.id in readings and readings[metric.id].value is not None]
    ordered = [*valued, *(metric for metric in metrics if metric not in valued)]
    rows = [_row(metric, readings.get(metric.id), news, (elsewhere or {}).get(metric.id, "")) for metric in ordered]
    body = marked(html.Table(html.Tbody(rows), className="plain left unseen"), testid="unseen")
    return [html.Section([html.H2("Without a chart"), html.Div(body)], className="card h")]


def why_absent(metric: Metric, news: News) -> str:
    """Why a run has no value of a quantity."""
    known = metric.absent or news.obstacle(metric.id)
    if known:
        return f"absent, because {known}"
    rare = reasons(news.cadence(metric.id))
    told = f"absent, because {NEVER}; it is taken {rare}" if rare else ""
    return told or f"absent, because {NEVER}"


def _row(metric: Metric, reading: Reading | None, news: News, address: str) -> Component:
    value, words = "", why_absent(metric, news)
    by_layer: Component | None = dcc.Link("by layer", href=address, className="go") if address else None
    if reading is not None and reading.value is not None:
        value = "" if metric.shape == "state" else " ".join(filter(None, [written(reading), metric.unit]))
        at = "" if reading.step is None else f"at step {count(reading.step)}"
        words = "; ".join(filter(None, [reading.how, at]))
    elif reading is not None and reading.absent not in ("", NEVER):
        words = f"absent, because {news.obstacle(metric.id) or reading.absent}"
    named = term(heading(metric.id), metric.id)
    return html.Tr([html.Td(named), html.Td(value), html.Td(by_layer or words, className="dim")])
