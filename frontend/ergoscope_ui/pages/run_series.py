"""A run's Series tab: a small chart for everything that it logged or that was measured."""

from collections.abc import Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.records import JsonObject
from ergoscope_ui.address import Address, link, read
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import Dossier, gather
from ergoscope_ui.errors import UiError
from ergoscope_ui.layered import offered
from ergoscope_ui.pages.run_charts import chart_of, foot_of
from ergoscope_ui.panels import unseen
from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.term import term
from ergoscope_ui.settings import Settings
from ergoscope_ui.shelves import AT_ONCE, Shelf, choose, missing, shelves
from ergoscope_ui.theme import palette
from ergoscope_ui.titles import heading, small_axis

_HEIGHT = 170
_MOST_GROUPS = 60
_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}
_SLOTS = range(AT_ONCE)


def place() -> Component:
    """The line of groups, the places of the charts, and what has none."""
    slots = [
        html.Section(
            [html.H2(id=f"series-{i}-title"), graph(f"series-{i}", height=_HEIGHT), foot(f"series-{i}-foot")],
            id=f"series-{i}-card",
            className="card q",
            style=_HIDDEN,
        )
        for i in _SLOTS
    ]
    groups = html.Div(id="series-groups", className="tools groups")
    return html.Div([groups, html.Div(slots, className="q3"), html.Div(id="series-unseen", className="after")])


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the groups and the charts of the one that is open."""

    @app.callback(
        Output("series-groups", "children"),
        Output("series-unseen", "children"),
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
            there = await client.keys(run)
            found = shelves(there)
            chosen = choose(found, held.quantity)
            if chosen is None:
                return _nothing("This run has no series yet.")
            shelf, page = chosen
            keys = shelf.page(page)
            about = await gather(client, held, keys, palette(theme), buckets=settings.buckets)
        except UiError as problem:
            return _nothing(str(problem))
        figures, feet = _drawn(about, keys)
        titles = [term(heading(key), key) for key in keys]
        by_layer = {metric.id: _layers(held, metric.id) for _, some in offered(there) for metric in some}
        rest = unseen.table(missing(shelf), about.verdict, about.news, elsewhere=by_layer) if shelf.family else []
        return [_groups(found, shelf, page, held), rest, *_slots(titles, figures, feet)]


def _slots(*columns: Sequence[object]) -> list[object]:
    """Styles of the cards, then what fills them, column by column, each made as long as there are places."""
    used = len(columns[0])
    rest: list[object] = [no_update] * (AT_ONCE - used)
    filled = [value for column in columns for value in (*column, *rest)]
    return [*[_SEEN] * used, *[_HIDDEN] * (AT_ONCE - used), *filled]


def _drawn(about: Dossier, keys: Sequence[str]) -> tuple[list[JsonObject], list[Sequence[Component]]]:
    figures = [chart_of(key, about.curves.get(key), about.frame(key, unit=small_axis(key))) for key in keys]
    feet = [foot_of(about.curves.get(key), key, about.news, chart=f"series-{i}") for i, key in enumerate(keys)]
    return figures, feet


def _layers(held: Address, quantity: str) -> str:
    return link(Address(page="run", run=held.run, tab="layers", quantity=quantity, first=held.first, last=held.last))


def _nothing(words: str) -> list[object]:
    return [html.P(words, className="dim"), [], *[_HIDDEN] * AT_ONCE, *[no_update] * (3 * AT_ONCE)]


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
