"""Runs side by side: where they part, what differs, then the curves."""

import asyncio
from collections.abc import Sequence

from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.address import Address, read
from ergoscope_ui.client import Client
from ergoscope_ui.colours import colours_of
from ergoscope_ui.errors import UiError
from ergoscope_ui.pages import compare_charts, compare_norms
from ergoscope_ui.pages.compare_charts import CHARTS, Material
from ergoscope_ui.pages.scope import scope
from ergoscope_ui.panels import compared, notice
from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.settings_table import difference_table
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import palette

_HEIGHT = 250


def place(shown: Address) -> Component:
    """The page's frame, every chart's place reserved."""
    if not shown.runs:
        return html.Div([scope("alerts", title="Compare"), compared.nothing()])
    parting = html.Section(
        [
            html.H2("Where they part"),
            html.Div("", id="parting-words", className="sub"),
            graph("parting-chart", height=_HEIGHT, linked=False),
        ],
        className="card h",
    )
    differs = html.Section([html.H2("What differs"), html.Div(id="differs-body")], className="card h")
    charts = [
        html.Section(
            [html.H2(chart.title), graph(chart.name, height=230), foot(f"{chart.name}-foot")], className="card q"
        )
        for chart in CHARTS
    ]
    return html.Div(
        [
            scope("compare", title="Compare", runs=shown.runs),
            html.Div(id="compare-head", className="title"),
            html.Div(id="compare-legend", className="leg"),
            html.Div([parting, differs], className="row first"),
            html.Div(charts, className="q2"),
            compare_norms.place(),
        ]
    )


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the legend and the table, the overlays, and the heat map of the parting."""
    _register_words(app, client, settings)
    _register_charts(app, client, settings)
    _register_parting(app, client, settings)

    async def asked(shown: Address) -> Sequence[RunSummary]:
        return (await _asked(client, settings, shown))[1]

    compare_norms.register(app, client, settings, asked)


def _register_words(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output("compare-head", "children"),
        Output("compare-legend", "children"),
        Output("differs-body", "children"),
        Input("url", "search"),
        Input("reread", "data"),
    )
    async def say(search: str, _clock: int) -> tuple[object, object, object]:
        shown = read("/compare", search)
        try:
            everyone, runs = await _asked(client, settings, shown)
        except UiError as problem:
            return html.H1("Runs side by side"), notice.error(problem), ""
        legend = compared.legend(runs, shown, colours_of(everyone))
        return compared.head(runs), legend, difference_table(runs)


def _register_charts(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        *[Output(chart.name, "figure") for chart in CHARTS],
        *[Output(f"{chart.name}-foot", "children") for chart in CHARTS],
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
    )
    async def draw(search: str, theme: str, _clock: int) -> list[object]:
        shown = read("/compare", search)
        try:
            everyone, runs = await _asked(client, settings, shown)
            metrics = [chart.metric for chart in CHARTS]
            names = [run.id for run in runs]
            curves, starts = await asyncio.gather(
                client.many(names, metrics, buckets=settings.buckets, first=shown.first, last=shown.last),
                compare_charts.starts(client, names),
            )
        except UiError as problem:
            return [*compare_charts.blank(palette(theme), str(problem), failed=True), *([[]] * len(CHARTS))]
        material = Material(runs=runs, curves=curves, starts=starts, colours=colours_of(everyone), shown=shown)
        return [*compare_charts.figures(material, palette(theme)), *compare_charts.feet(material)]


def _register_parting(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output("parting-chart", "figure"),
        Output("parting-words", "children"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(search: str, theme: str, _clock: int, _path: str) -> tuple[object, object]:
        shown = read("/compare", search)
        try:
            everyone, runs = await _asked(client, settings, shown)
            found = await client.many([run.id for run in runs], ["grad_norm/*"], buckets=settings.buckets)
        except UiError as problem:
            return compare_charts.blank(palette(theme), str(problem), failed=True)[0], ""
        return compare_charts.parting(runs, found, colours_of(everyone), palette(theme))


async def _asked(client: Client, settings: Settings, shown: Address) -> tuple[list[RunSummary], list[RunSummary]]:
    """Every run (for the colours), and those compared, the baseline first."""
    everyone = await client.runs(limit=settings.runs_shown)
    known = {run.id: run for run in everyone}
    missing = [name for name in shown.runs if name not in known]
    for run in await asyncio.gather(*[client.run(name) for name in missing]):
        known[run.id] = run
    return everyone, [known[name] for name in _ordered(shown)]


def _ordered(shown: Address) -> Sequence[str]:
    return sorted(shown.runs, key=lambda name: name != shown.baseline)
