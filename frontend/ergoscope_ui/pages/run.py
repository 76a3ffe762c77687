"""A run's page: the sentence, the ribbon, and under tabs what stands behind it."""

import asyncio

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from ergoscope_ui.address import TABS, Address, link, read
from ergoscope_ui.browser import in_browser
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.pages import run_actions, run_curvature, run_layers, run_overview, run_records, run_series
from ergoscope_ui.pages.parent import parent_of
from ergoscope_ui.pages.scope import scope
from ergoscope_ui.pages.stepped import stepped
from ergoscope_ui.panels import actions, notice
from ergoscope_ui.panels.head import head
from ergoscope_ui.panels.sentence import sentence
from ergoscope_ui.settings import Settings

_TITLES = {
    "overview": "Overview",
    "series": "Series",
    "layers": "Layers",
    "curvature": "Curvature",
    "distributions": "Distributions",
    "config": "Config",
    "events": "Events",
}


def place(shown: Address) -> Component:
    """The page's frame: head line, sentence, tabs."""
    return html.Div(
        [
            html.Div(scope("run", title=shown.run, runs=[shown.run]), id="run-scope"),
            dcc.Store(id="run-id", data=shown.run),
            dcc.Store(id="run-tab"),
            html.Div([html.Div(id="run-head", className="title"), run_actions.place(shown.run)], className="headline"),
            actions.said(),
            html.Section(id="run-sentence", className="card verdict"),
            html.Nav(_tabs(shown), id="run-tabs", className="tabs"),
            html.Div(id="run-body"),
        ]
    )


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the head, the sentence and the tabs, and whatever the tabs hold."""
    in_browser(app, "showTab", Output("run-tab", "data"), Input("url", "search"), State("run-tab", "data"))

    @app.callback(
        Output("run-head", "children"),
        Output("run-sentence", "children"),
        Output("run-scope", "children"),
        Input("run-id", "data"),
        Input("reread", "data"),
    )
    async def say(run: str, _clock: int) -> tuple[object, object, object]:
        try:
            summary, verdict = await asyncio.gather(client.run(run), client.verdict(run))
            ranks = await client.ranks(run) if summary.ranks > 1 else []
            moved, parent = await asyncio.gather(stepped(client, summary), parent_of(client, summary))
        except UiError as problem:
            return html.H1(run), notice.error(problem), scope("run", title=run, runs=[run])
        named = scope("run", title=summary.name or run, runs=[run])
        return head(summary, ranks, stepped=moved, parent=parent), sentence(verdict, summary), named

    @app.callback(
        Output("run-body", "children"),
        Input("run-tab", "data"),
        State("url", "pathname"),
        State("url", "search"),
    )
    def open_tab(_tab: str | None, pathname: str, search: str) -> Component:
        return _body(read(pathname, search))

    @app.callback(Output("run-tabs", "children"), Input("url", "search"), State("url", "pathname"))
    def name_tabs(search: str, pathname: str) -> list[Component]:
        return _tabs(read(pathname, search))  # with the steps that the charts are held to now

    run_actions.register(app, client)
    run_overview.register(app, client, settings)
    run_layers.register(app, client, settings)
    run_curvature.register(app, client, settings)
    run_records.register(app, client)
    run_series.register(app, client, settings)


def _tabs(shown: Address) -> list[Component]:
    links: list[Component] = [
        dcc.Link(
            _TITLES[tab],
            href=link(Address(page="run", run=shown.run, tab=tab, first=shown.first, last=shown.last)),
            className="on" if tab == shown.tab else "",
        )
        for tab in TABS
    ]
    return [*links, html.Span(className="sp"), html.Span("", id="range-note")]


def _body(shown: Address) -> Component:
    if shown.tab == "overview":
        return run_overview.place()
    if shown.tab == "series":
        return run_series.place()
    if shown.tab == "layers":
        return run_layers.place()
    if shown.tab == "curvature":
        return run_curvature.place()
    return run_records.place(shown.tab)
