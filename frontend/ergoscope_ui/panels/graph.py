"""A chart's place on the page: its height is reserved before the figure arrives."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_ui.panels.marked import marked


def graph(name: str, *, height: int, linked: bool = True) -> Component:
    """A chart with id `name`; `linked` lets it take part in the common step range (zoom one, zoom all)."""
    chart = dcc.Graph(
        id=name,
        config={"displayModeBar": False, "doubleClick": False, "showTips": False},
        style={"height": f"{height}px"},
        responsive=True,
    )
    place = html.Div(chart, className="plot", style={"minHeight": f"{height}px"})
    return marked(place, linked="yes" if linked else "no")


def foot(name: str) -> Component:
    """The foot line of a chart: how it was obtained, and at which step."""
    return html.Div(foot_words("", None, chart=""), id=name, className="foot")


def foot_words(how: str, step: int | None, *, chart: str, more: str = "", ago: int = 0) -> Sequence[Component]:
    """What a foot line says, `more` for those who point at it; the live stream keeps the step of `chart` current.

    ago: how many steps the run has made since, where that is worth saying.
    """
    since = f", {ago:,} step{'s' if ago > 1 else ''} ago" if ago > 0 else ""
    at = "" if step is None else f"step {step:,}{since}"
    return [html.Span(how, className="how", title=more or how), marked(html.Span(at, className="at"), chart=chart)]
