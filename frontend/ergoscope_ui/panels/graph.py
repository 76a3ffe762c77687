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


def foot_words(
    how: str, step: int | None, *, chart: str, more: str = "", now: int | None = None
) -> Sequence[Component]:
    """What a foot line says, `more` for those who point at it; the live stream keeps the step of `chart` current.

    now: the run's newest step, where it is worth saying how far back the chart's is; it counts up as the run goes on.
    """
    at = html.Span(age(step, now), className="at")
    aged = {} if now is None or step is None else {"step": str(step)}
    return [html.Span(how, className="how", title=more or how), marked(at, chart=chart, **aged)]


def age(step: int | None, now: int | None) -> str:
    """A step, and how many the run has made since (assets/ages.js repeats it; a test holds the two together).

    Example:
        >>> age(18_200, 18_342), age(18_200, 18_201), age(7, None)
        ('step 18,200, 142 steps ago', 'step 18,200, 1 step ago', 'step 7')
    """
    if step is None:
        return ""
    ago = 0 if now is None else now - step
    return f"step {step:,}" + (f", {ago:,} step{'s' if ago > 1 else ''} ago" if ago > 0 else "")
