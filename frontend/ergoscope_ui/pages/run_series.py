"""A run's Series tab: a small chart for everything that it logged or that was measured."""

import asyncio
from collections.abc import Mapping, Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.catalogue import entry
from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.client import Client
from ergoscope_ui.curve import Curve
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import band
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.pages.run_charts import resolution
from ergoscope_ui.panels.graph import foot, foot_words, graph
from ergoscope_ui.panels.term import term
from ergoscope_ui.settings import Settings
from ergoscope_ui.shelves import AT_ONCE, Shelf, choose, shelves
from ergoscope_ui.theme import palette

_HEIGHT = 170
_MOST_GROUPS = 60
_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}
_SLOTS = range(AT_ONCE)


def place() -> Component:
    """The line of groups, a line for when there is nothing, and the places of the charts."""
    slots = [
        html.Section(
            [html.H2(id=f"series-{i}-title"), graph(f"series-{i}", height=_HEIGHT), foot(f"series-{i}-foot")],
            id=f"series-{i}-card",
            className="card q",
            style=_HIDDEN,
        )
        for i in _SLOTS
    ]
    return html.Div([html.Div(id="series-groups", className="tools groups"), html.Div(slots, className="q3")])


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the groups and the charts of the one that is open."""

    @app.callback(
        Output("series-groups", "children"),
        *[Output(f"series-{i}-card", "style") for i in _SLOTS],
        *[Output(f"series-{i}-title", "children") for i in _SLOTS],
        *[Output(f"series-{i}", "figure") for i in _SLOTS],
        *[Output(f"series-{i}-foot", "children") for i in _SLOTS],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held = read(pathname, search)
        try:
            found = shelves(await client.keys(run))
            chosen = choose(found, held.quantity)
            if chosen is None:
                return _nothing("This run has no series yet.")
            shelf, page = chosen
            keys = shelf.page(page)
            summary, verdict, curves = await asyncio.gather(
                client.run(run),
                client.verdict(run),
                client.series(run, keys, buckets=settings.buckets, first=held.first, last=held.last),
            )
        except UiError as problem:
            return _nothing(str(problem))
        span = extent([summary], curves.values(), held)
        frames = [span.frame(palette(theme), unit=_unit(key), marks=verdict.marks) for key in keys]
        figures, feet = _drawn(keys, curves, frames)
        headings = [_heading(key) for key in keys]
        return [_groups(found, shelf, page, held), *_slots(headings, figures, feet)]


def _slots(*columns: Sequence[object]) -> list[object]:
    """Styles of the cards, then what fills them, column by column, each made as long as there are places."""
    used = len(columns[0])
    rest: list[object] = [no_update] * (AT_ONCE - used)
    filled = [value for column in columns for value in (*column, *rest)]
    return [*[_SEEN] * used, *[_HIDDEN] * (AT_ONCE - used), *filled]


def _drawn(
    keys: Sequence[str], curves: Mapping[str, Curve], frames: Sequence[Frame]
) -> tuple[list[JsonObject], list[Sequence[Component]]]:
    figures: list[JsonObject] = []
    feet: list[Sequence[Component]] = []
    for i, (key, frame) in enumerate(zip(keys, frames, strict=True)):
        curve = curves.get(key)
        figures.append(band.chart(curve, frame, name=_title(key)))
        newest = int(curve.last[-1]) if curve is not None and curve.size else None
        feet.append(foot_words(resolution(curve), newest, chart=f"series-{i}"))
    return figures, feet


def _nothing(words: str) -> list[object]:
    return [html.P(words, className="dim"), *[_HIDDEN] * AT_ONCE, *[no_update] * (3 * AT_ONCE)]


def _groups(found: Sequence[Shelf], shown: Shelf, page: int, held: Address) -> list[Component]:
    def to(of: str, words: str, *, on: bool) -> Component:
        target = Address(page="run", run=held.run, tab="series", quantity=of, first=held.first, last=held.last)
        return dcc.Link(words, href=link(target), className="btn on" if on else "btn")

    near = found[:_MOST_GROUPS]
    groups = [to(shelf.name, f"{shelf.name} {len(shelf.keys)}", on=shelf is shown) for shelf in near]
    if len(found) > len(near):
        groups.append(html.Span(f"and {len(found) - len(near):,} more groups", className="dim"))
    pages = range(1, shown.pages + 1) if shown.pages > 1 else ()
    return [*groups, html.Span(className="sp"), *[to(f"{shown.name}:{n}", str(n), on=n == page) for n in pages]]


def _title(key: str) -> str:
    metric = entry(key)
    return metric.name if metric is not None else key


def _heading(key: str) -> object:
    return term(_title(key).capitalize(), key) if entry(key) is not None else key


def _unit(key: str) -> str:
    metric = entry(key)
    return "" if metric is None else f"{metric.symbol}, {metric.unit}" if metric.unit else metric.symbol
