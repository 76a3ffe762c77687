"""A run's distributions, settings and events."""

import asyncio

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.records import Histogram
from ergoscope_ui.address import read
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import histogram
from ergoscope_ui.layered import HISTOGRAMS, names
from ergoscope_ui.panels import events_table, notice, ranks_table, settings_table
from ergoscope_ui.panels.graph import graph
from ergoscope_ui.panels.term import term
from ergoscope_ui.theme import palette
from ergoscope_ui.titles import heading

_SHOWN = 300
_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}


def place(tab: str) -> Component:
    """The frame of one of the three tabs."""
    if tab == "distributions":
        return _distributions()
    return html.Section(html.Div(id=f"run-{tab}", className="wide"), className="card h")


def _distributions() -> Component:
    cards = [
        html.Section(
            [
                html.H2(term(heading(kind), kind)),
                html.Div(
                    "log2 of the size; stronger where more entries are; the line is the median size", className="sub"
                ),
                graph(f"run-{kind}", height=280, linked=False),
            ],
            id=f"run-{kind}-card",
            className="card h",
            style=_HIDDEN,
        )
        for kind in HISTOGRAMS
    ]
    choice = dcc.Dropdown(id="histogram-layer", clearable=False, placeholder="layer", className="choice")
    return html.Div([html.Div(choice, className="tools"), html.Div(cards, className="q2")])


def register(app: Dash, client: Client) -> None:
    """Fill the tabs."""
    _register_distributions(app, client)

    @app.callback(Output("run-config", "children"), Input("run-id", "data"))
    async def config(run: str) -> Component:
        try:
            summary = await client.run(run)
        except UiError as problem:
            return notice.error(problem)
        return html.Div(
            [
                html.H2("Settings"),
                settings_table.config_table(settings_table.flat(summary.config), absent="The job recorded none."),
                html.H2("System"),
                settings_table.config_table(settings_table.flat(summary.system), absent="The job told nothing of it."),
            ]
        )

    @app.callback(Output("run-events", "children"), Input("run-id", "data"), Input("reread", "data"))
    async def events(run: str, _clock: int) -> Component:
        try:
            happened, alerts, ranks = await asyncio.gather(
                client.events(run), client.alerts(run=run), client.ranks(run)
            )
        except UiError as problem:
            return notice.error(problem)
        listed = events_table.table(happened, alerts)
        return html.Div(
            [html.H2("Ranks"), ranks_table.table(ranks), html.H2("Events"), listed] if len(ranks) > 1 else listed
        )


def _register_distributions(app: Dash, client: Client) -> None:
    @app.callback(
        Output("histogram-layer", "options"),
        Output("histogram-layer", "value"),
        Input("run-id", "data"),
        State("url", "search"),
    )
    async def offer(run: str, search: str) -> tuple[object, object]:
        try:
            keys = await client.keys(run, own=True)
        except UiError:
            return no_update, no_update
        layers = names(keys)
        wanted = read(f"/runs/{run}", search).layer
        return layers, wanted if wanted in layers else next(iter(layers), None)

    @app.callback(
        *[Output(f"run-{kind}-card", "style") for kind in HISTOGRAMS],
        *[Output(f"run-{kind}", "figure") for kind in HISTOGRAMS],
        Input("histogram-layer", "value"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("run-id", "data"),
    )
    async def draw(layer: str | None, theme: str, _clock: int, run: str) -> list[object]:
        if not layer:
            return [no_update] * (2 * len(HISTOGRAMS))
        asked = [client.histograms(run, f"{kind}/{layer}", limit=_SHOWN) for kind in HISTOGRAMS]
        try:
            found = await asyncio.gather(*asked)
        except UiError:
            return [no_update] * (2 * len(HISTOGRAMS))
        seen = [bool(one) for one in found]
        seen[0] = seen[0] or not any(seen)  # of a layer without any, one place says so
        return [*[_SEEN if here else _HIDDEN for here in seen], *[_figure(one, theme) for one in found]]


def _figure(found: list[Histogram], theme: str) -> object:
    steps = [one.step for one in found]
    span = extent((), (), read("/runs/x", f"?first={min(steps)}&last={max(steps)}" if steps else ""))
    frame = span.frame(palette(theme), unit="log2 of the size")
    return histogram.chart(found, frame, absent="no histogram of this layer yet")
