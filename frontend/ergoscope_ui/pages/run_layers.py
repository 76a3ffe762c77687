"""A run's layers: the heat map, what stands out, and one layer opened."""

import asyncio

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_contract.catalogue import entry
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.browser import in_browser
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import band, canvas, heatmap
from ergoscope_ui.pages.run_charts import resolution
from ergoscope_ui.panels import layers
from ergoscope_ui.panels.graph import foot, foot_words, graph
from ergoscope_ui.panels.term import term
from ergoscope_ui.settings import Settings
from ergoscope_ui.standing import standings
from ergoscope_ui.theme import Palette, palette

QUANTITIES = ("grad_norm", "update_ratio", "weight_norm")
_TALL, _TALL_PX, _ROW = "layers-tall", 420, 15


def place(shown: Address) -> Component:
    """The Layers tab: which quantity, its heat map with every name, and the opened layer's three charts."""
    chosen = shown.quantity if shown.quantity in QUANTITIES else QUANTITIES[0]
    links = [
        dcc.Link(
            _name(quantity),
            href=link(Address(page="run", run=shown.run, tab="layers", layer=shown.layer, quantity=quantity)),
            className="btn on" if quantity == chosen else "btn",
        )
        for quantity in QUANTITIES
    ]
    heat = html.Section(
        [
            html.Div(
                [html.H2([term(_name(chosen).capitalize(), chosen), " by layer"]), html.Span(className="sp"), *links],
                className="tools",
            ),
            html.Div("a click on a row opens the layer", id="layers-tall-sub", className="sub"),
            graph(_TALL, height=_TALL_PX, linked=False),
        ],
        className="card h",
    )
    return html.Div([heat, html.Div(_layer(shown.layer), id="layer-body")])


def _layer(name: str) -> list[Component]:
    if not name:
        return []
    cards = [
        html.Section(
            [
                html.H2(term(_name(quantity).capitalize(), quantity)),
                graph(f"layer-{quantity}", height=190),
                foot(f"layer-{quantity}-foot"),
            ],
            className="card q",
        )
        for quantity in QUANTITIES
    ]
    return [html.H2(name, className="layer-name"), html.Div(cards, className="q3")]


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the overview's heat map and table, the tall heat map, and the opened layer."""
    _register_overview(app, client, settings)
    _register_tall(app, client, settings)
    _register_layer(app, client, settings)


def _register_overview(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output(layers.HEAT, "figure"),
        Output(layers.SUB, "children"),
        Output(layers.TABLE, "children"),
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> tuple[object, object, object]:
        colours, held = palette(theme), read(pathname, search)
        try:
            summary, curves = await asyncio.gather(client.run(run), _by_layer(client, settings, run, "grad_norm", held))
            since = max(0, (summary.last_step or 0) - settings.recent_steps)
            recent = await client.series(run, ["update_ratio/*"], buckets=settings.buckets, first=since)
        except UiError:
            return no_update, no_update, no_update
        figure, width = _heat(summary, curves, held, colours, columns=settings.columns, height=300)
        table = layers.table(standings(_short(recent)), steps=settings.recent_steps)
        return figure, layers.column_words(width), table


def _register_tall(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        Output(_TALL, "figure"),
        Output(_TALL, "style"),
        Output("layers-tall-sub", "children"),
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("reheat", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> tuple[object, object, object]:
        colours, held = palette(theme), read(pathname, search)
        quantity = held.quantity if held.quantity in QUANTITIES else QUANTITIES[0]
        try:
            summary, curves = await asyncio.gather(client.run(run), _by_layer(client, settings, run, quantity, held))
        except UiError as problem:
            blank = extent((), (), held).frame(colours, unit="")
            return canvas.empty(blank, str(problem), failed=True), no_update, ""
        height = max(_TALL_PX, min(1200, 46 + _ROW * len(curves)))
        figure, width = _heat(summary, curves, held, colours, columns=settings.columns, height=height)
        words = f"{layers.column_words(width)}; a click on a row opens the layer"
        return figure, {"height": f"{height}px"}, words

    in_browser(
        app,
        "openLayer",
        Output("url", "search", allow_duplicate=True),
        Input(_TALL, "clickData"),
        State("url", "search"),
        first_call=False,
    )


def _register_layer(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        *[Output(f"layer-{quantity}", "figure") for quantity in QUANTITIES],
        *[Output(f"layer-{quantity}-foot", "children") for quantity in QUANTITIES],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        colours, held = palette(theme), read(pathname, search)
        names = [f"{quantity}/{held.layer}" for quantity in QUANTITIES]
        try:
            summary, verdict, curves = await asyncio.gather(
                client.run(run),
                client.verdict(run),
                client.series(run, names, buckets=settings.buckets, first=held.first, last=held.last),
            )
        except UiError:
            return [no_update] * 6
        span = extent([summary], curves.values(), held)
        figures: list[JsonObject] = []
        feet: list[object] = []
        for quantity, name in zip(QUANTITIES, names, strict=True):
            curve = curves.get(name)
            frame = span.frame(colours, unit=_symbol(quantity), marks=verdict.marks)
            figures.append(band.chart(curve, frame, name=_name(quantity)))
            newest = int(curve.last[-1]) if curve is not None and curve.size else None
            feet.append(foot_words(resolution(curve), newest, chart=f"layer-{quantity}"))
        return [*figures, *feet]


async def _by_layer(client: Client, settings: Settings, run: str, quantity: str, held: Address) -> dict[str, Curve]:
    found = await client.series(run, [f"{quantity}/*"], buckets=2 * settings.columns, first=held.first, last=held.last)
    return _short(found)


def _short(curves: dict[str, Curve]) -> dict[str, Curve]:
    return {key.partition("/")[2]: curve for key, curve in curves.items()}


def _heat(
    summary: RunSummary, curves: dict[str, Curve], held: Address, colours: Palette, *, columns: int, height: int
) -> tuple[JsonObject, int]:
    span = extent([summary], curves.values(), held)
    frame = span.frame(colours, unit="")
    known = {name: curve for name, curve in curves.items() if curve.size}
    if not known:
        return canvas.empty(frame, "no values by layer yet"), 1
    newest = max(int(curve.last[-1]) for curve in known.values())
    grid = heatmap.grid(known, columns=columns, first=span.first, last=max(min(newest, span.last), span.first))
    figure = heatmap.diverging(heatmap.against_median(grid), frame, title="", height=height)
    return figure, grid.step_width


def _name(quantity: str) -> str:
    metric = entry(quantity)
    return metric.name if metric is not None else quantity


def _symbol(quantity: str) -> str:
    metric = entry(quantity)
    return metric.symbol if metric is not None else quantity
