"""One layer opened: a chart for everything that is measured of it, and how its entries are spread."""

import asyncio
from collections.abc import Mapping

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.records import Histogram, JsonObject
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import gather
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import histogram
from ergoscope_ui.layered import HISTOGRAMS, QUANTITIES, of_layer
from ergoscope_ui.pages.run_charts import chart_of, foot_of
from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.structure import BESIDE, tail_words
from ergoscope_ui.panels.term import term
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import palette
from ergoscope_ui.titles import heading, small_axis

_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}
_HISTOGRAMS_SHOWN = 300
_SPREAD = "log2 of the size; stronger where more entries are; the line is the median size"


def place() -> Component:
    """The layer's name, and a place for each chart that a layer may have; those that it has not stay hidden."""
    charts = [
        _card(quantity, "q", [graph(f"layer-{quantity}", height=170), foot(f"layer-{quantity}-foot")])
        for quantity in QUANTITIES
    ]
    spreads = [
        _card(kind, "h", [html.Div(_SPREAD, className="sub"), graph(f"layer-{kind}", height=220, linked=False)])
        for kind in HISTOGRAMS
    ]
    return html.Div(
        [
            html.Div(id="layer-name"),
            html.Div(charts, className="q3"),
            html.Div(spreads, className="q2"),
        ],
        id="layer-body",
    )


def _card(quantity: str, kind: str, parts: list[Component]) -> Component:
    named = html.H2(term(heading(quantity), quantity))
    return html.Section([named, *parts], id=f"layer-{quantity}-card", className=f"card {kind}", style=_HIDDEN)


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the charts of the layer that the address names, and hide the others."""
    _register_charts(app, client, settings)
    _register_spreads(app, client)


def _register_charts(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output("layer-name", "children"),
        *[Output(f"layer-{quantity}-card", "style") for quantity in QUANTITIES],
        *[Output(f"layer-{quantity}", "figure") for quantity in QUANTITIES],
        *[Output(f"layer-{quantity}-foot", "children") for quantity in QUANTITIES],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held = read(pathname, search)
        none = [*[_HIDDEN] * len(QUANTITIES), *[no_update] * (2 * len(QUANTITIES))]
        if not held.layer:
            return [[], *none]
        try:
            there = of_layer(await client.keys(run), held.layer)
            if not there:
                return [[*_name(held), html.P("This run has no series of that name.", className="dim")], *none]
            names = {quantity: f"{quantity}/{held.layer}" for quantity in there}
            about = await gather(client, held, list(names.values()), palette(theme), buckets=settings.buckets)
        except UiError:
            return [no_update] * (1 + 3 * len(QUANTITIES))
        curves = {quantity: about.curves.get(name) for quantity, name in names.items() if quantity not in BESIDE}
        figures = {
            kind: chart_of(names[kind], curve, about.frame(kind, unit=small_axis(kind)))
            for kind, curve in curves.items()
        }
        feet = {kind: foot_of(curve, kind, about.news, chart=f"layer-{kind}") for kind, curve in curves.items()}
        styles = [_SEEN if quantity in figures else _HIDDEN for quantity in QUANTITIES]
        columns: tuple[Mapping[str, object], ...] = (figures, feet)
        filled = [column.get(quantity, no_update) for column in columns for quantity in QUANTITIES]
        return [[*_name(held), *tail_words(about.curves, held.layer)], *styles, *filled]


def _register_spreads(app: Dash, client: Client) -> None:
    @app.callback(
        *[Output(f"layer-{kind}-card", "style") for kind in HISTOGRAMS],
        *[Output(f"layer-{kind}", "figure") for kind in HISTOGRAMS],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held = read(pathname, search)
        if not held.layer:
            return [*[_HIDDEN] * len(HISTOGRAMS), *[no_update] * len(HISTOGRAMS)]
        asked = [client.histograms(run, f"{kind}/{held.layer}", limit=_HISTOGRAMS_SHOWN) for kind in HISTOGRAMS]
        try:
            found = await asyncio.gather(*asked)
        except UiError:
            return [no_update] * (2 * len(HISTOGRAMS))
        shown = [_within(one, held) for one in found]
        styles = [_SEEN if one else _HIDDEN for one in shown]
        return [*styles, *[_spread(one, held, theme) if one else no_update for one in shown]]


def _within(found: list[Histogram], held: Address) -> list[Histogram]:
    first, last = held.first, held.last
    return [one for one in found if (first is None or one.step >= first) and (last is None or one.step <= last)]


def _spread(found: list[Histogram], held: Address, theme: str) -> JsonObject:
    steps = [one.step for one in found]
    frame = extent((), (), held.at(first=min(steps), last=max(steps))).frame(palette(theme), unit="log2 of the size")
    return histogram.chart(found, frame, absent="")


def _name(held: Address) -> list[Component]:
    closed = Address(page="run", run=held.run, tab="layers", quantity=held.quantity, first=held.first, last=held.last)
    return [
        html.Div([html.H2(held.layer), dcc.Link("close", href=link(closed), className="quiet")], className="layer-name")
    ]
