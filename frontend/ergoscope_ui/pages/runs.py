"""The list of runs."""

import asyncio
from collections.abc import Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui import address, query
from ergoscope_ui.browser import in_browser
from ergoscope_ui.client import Client
from ergoscope_ui.colours import colours_of
from ergoscope_ui.errors import QueryError, UiError
from ergoscope_ui.extent import ALIVE
from ergoscope_ui.pages.allowed import rights_of
from ergoscope_ui.pages.glances import Glances
from ergoscope_ui.pages.keeping import CHOSEN
from ergoscope_ui.pages.scope import scope
from ergoscope_ui.panels import actions, deletion, notice
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.planted import planted
from ergoscope_ui.panels.runs_table import table
from ergoscope_ui.settings import Settings

_HINT = "project = digits and status != finished and lr >= 1e-4"


def place(shown: address.Address) -> Component:
    """The query line, the buttons and the table's place.

    The line itself is made by assets/runs.js, which tells `query-text`: under load a dcc.Input loses keys.
    """
    line = marked(html.Div(id="query-place", className="inp"), value=shown.query, hint=_HINT)
    compare = html.A("Compare", id="compare-selected", className="btn", href="/compare")
    shelf = html.Span(_shelf(shown.query, archived=shown.archived), id="runs-shelf")
    return html.Div(
        [
            scope("runs", title="Runs"),
            dcc.Store(id="query-text", data=shown.query),
            dcc.Store(id="runs-archived", data=shown.archived),
            dcc.Store(id=CHOSEN),
            dcc.Store(id="runs-tree"),
            dcc.Store(id="runs-planted"),
            html.Div([line, *actions.tools(), shelf, compare], className="bar1"),
            html.Div([html.Div("", id="query-error", role="status"), actions.said()], className="query-error"),
            html.Div([html.Div(id="runs-said"), html.Div(id="runs-table")], id="runs-list", className="runs-list"),
            html.Div("", id="runs-foot", className="below"),
            deletion.window(),
        ]
    )


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the table; keep in the address what is searched, and whether among those that were archived."""
    glances = Glances(client)
    in_browser(
        app, "showShelf", Output("runs-archived", "data"), Input("url", "search"), State("runs-archived", "data")
    )

    in_browser(app, "plantRuns", Output("runs-planted", "data"), Input("runs-tree", "data"))

    @app.callback(
        Output("runs-said", "children"),
        Output("runs-tree", "data"),
        Output("runs-foot", "children"),
        Output("query-error", "children"),
        Input("query-text", "data"),
        Input("runs-archived", "data"),
        Input("reread", "data"),
    )
    async def fill(text: str | None, archived: bool, _clock: int) -> tuple[object, object, object, str]:
        most = settings.runs_shown
        try:
            wanted = bool(query.parse(text or ""))
            runs = await client.runs(limit=settings.runs_searched if wanted else most, archived=archived)
            found = query.select(runs, text or "")
        except QueryError as problem:
            return no_update, no_update, no_update, str(problem)
        except UiError as problem:
            return notice.error(problem), None, "", ""
        if not runs:
            return notice.nothing_archived() if archived else notice.empty(), None, "", ""
        shown = html.Div(await _table(client, glances, runs[:most], found[:most]), className="card wide")
        return "", planted(shown), _foot(runs, found, archived, most, searched=wanted), ""

    _remember(app)


def _remember(app: Dash) -> None:
    """Keep in the address what is searched, and the link to the other shelf in step."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Output("runs-shelf", "children"),
        Input("query-text", "data"),
        Input("runs-archived", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def remember(text: str | None, archived: bool, now: str) -> tuple[object, Component]:
        wanted = address.search(address.Address(query=text or "", archived=archived))
        return wanted if wanted != (now or "") else no_update, _shelf(text or "", archived=archived)


def _shelf(text: str, *, archived: bool) -> Component:
    """The way to the archived runs, and back, with the same query."""
    href = address.link(address.Address(query=text, archived=not archived))
    what = "Back to the runs that are not archived" if archived else "See the runs that were archived"
    return dcc.Link("Archived runs", href=href, className="btn on" if archived else "btn", title=what)


async def _table(client: Client, glances: Glances, runs: Sequence[RunSummary], kept: Sequence[RunSummary]) -> Component:
    seen, rights = await asyncio.gather(glances.of(kept), rights_of(client))
    drawn = {run: one.drawing for run, one in seen.items()}
    moved = {run.id: at for run in kept if run.status in ALIVE and (at := seen[run.id].stepped) is not None}
    return table(kept, drawn, colours_of(runs), moved, rights)


def _foot(
    runs: Sequence[RunSummary], found: Sequence[RunSummary], archived: bool, most: int, *, searched: bool
) -> Component:
    words = f"{len(found)} of {len(runs)} {'archived ' if archived else ''}runs."
    if len(found) > most:
        words += f" The newest {most} of them are here."
    elif not searched and len(runs) == most:
        words = f"The newest {most} runs; a search looks through older ones too."
    keys = html.Span(" Select with x, open with Enter, compare with c, search with /.", className="keys")
    return marked(html.Span([words, keys]), testid="runs-count")
