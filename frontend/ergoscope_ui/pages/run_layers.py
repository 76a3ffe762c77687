"""A run's Layers tab: any quantity that is measured by layer, as a heat map with every name, and one layer opened."""

import asyncio
from collections.abc import Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.catalogue import ALL, Family, Metric
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.browser import in_browser
from ergoscope_ui.cadence import news
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import canvas
from ergoscope_ui.layered import choose, offered
from ergoscope_ui.pages import heat, run_collapse, run_layer, run_standing
from ergoscope_ui.panels import collapse, layers, unseen
from ergoscope_ui.panels.graph import graph
from ergoscope_ui.panels.term import term
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import palette
from ergoscope_ui.titles import heading

_TALL, _TALL_PX, _MOST_PX, _ROW = "layers-tall", 300, 1200, 15


def place() -> Component:
    """The chooser, the heat map, and the places of the opened layer's charts."""
    parts = [
        html.H2(id="layers-title"),
        html.Div(id="layers-tall-sub", className="sub two"),
        graph(_TALL, height=_TALL_PX, linked=False),
    ]
    chooser = html.Nav(id="layers-chooser", className="chooser")
    return html.Div([chooser, html.Section(parts, className="card h"), run_layer.place(), collapse.place()])


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the overview's heat map and table, the tab's chooser and heat map, the opened layer, and collapse."""
    run_standing.register(app, client, settings)
    run_layer.register(app, client, settings)
    run_collapse.register(app, client, settings)
    _register_tall(app, client, settings)
    in_browser(
        app,
        "openLayer",
        Output("url", "search", allow_duplicate=True),
        Input(_TALL, "clickData"),
        State("url", "search"),
        first_call=False,
    )


def _register_tall(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output("layers-chooser", "children"),
        Output("layers-title", "children"),
        Output("layers-tall-sub", "children"),
        Output(_TALL, "figure"),
        Output(_TALL, "style"),
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        colours, held = palette(theme), read(pathname, search)
        try:
            found = offered(await client.keys(run))
            chosen = choose(found, held.quantity)
            asked = heat.by_layer(client, run, chosen, buckets=2 * settings.columns, first=held.first, last=held.last)
            summary, events, curves = await asyncio.gather(client.run(run), client.events(run), asked)
        except UiError as problem:
            blank = extent((), (), held).frame(colours, unit="")
            return [no_update, no_update, "", canvas.empty(blank, str(problem), failed=True), no_update]
        told = news(events)
        height = max(_TALL_PX, min(_MOST_PX, 46 + _ROW * len(curves)))
        shown = heat.Heat(chosen, summary, curves, absent=unseen.why_absent(ALL[chosen], told))
        figure, width = heat.draw(shown, held, settings, colours, height=height)
        words = f"{layers.column_words(chosen, width, told.cadence(chosen))}; a click on a row opens it below"
        titled = [term(heading(chosen), chosen), " by layer"]
        return [_chooser(found, chosen, held), titled, words if curves else "", figure, {"height": f"{height}px"}]


def _chooser(found: Sequence[tuple[Family, Sequence[Metric]]], chosen: str, held: Address) -> list[Component]:
    def to(metric: Metric) -> Component:
        target = Address(
            page="run",
            run=held.run,
            tab="layers",
            layer=held.layer,
            quantity=metric.id,
            first=held.first,
            last=held.last,
        )
        return dcc.Link(metric.name, href=link(target), className="on" if metric.id == chosen else "")

    return [
        html.Div([html.Span(family.value, className="family"), html.Div([to(metric) for metric in some])])
        for family, some in found
    ]
