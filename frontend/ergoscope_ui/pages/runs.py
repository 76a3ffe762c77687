"""The list of runs."""

import asyncio
from collections.abc import Sequence

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui import address, query
from ergoscope_ui.client import Client
from ergoscope_ui.colours import colours_of
from ergoscope_ui.errors import QueryError, UiError
from ergoscope_ui.pages.scope import scope
from ergoscope_ui.pages.stepped import stepped
from ergoscope_ui.panels import notice
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.runs_table import table
from ergoscope_ui.settings import Settings

_HINT = "project = digits and status != finished and lr >= 1e-4"
_SPARK = 60


def place(shown: address.Address) -> Component:
    """The query line, the compare button and the table's place.

    The line itself is made by assets/runs.js, which tells `query-text`: under load a dcc.Input loses keys.
    """
    line = marked(html.Div(id="query-place", className="inp"), value=shown.query, hint=_HINT)
    compare = html.A("Compare", id="compare-selected", className="btn", href="/compare")
    return html.Div(
        [
            scope("runs", title="Runs"),
            dcc.Store(id="query-text", data=shown.query),
            html.Div([line, compare], className="bar1"),
            html.Div("", id="query-error", className="query-error", role="status"),
            html.Div(id="runs-list", className="runs-list"),
            html.Div("", id="runs-foot", className="below"),
        ]
    )


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the table; keep the query in the address."""

    @app.callback(
        Output("runs-list", "children"),
        Output("runs-foot", "children"),
        Output("query-error", "children"),
        Input("query-text", "data"),
        Input("reread", "data"),
    )
    async def fill(text: str | None, _clock: int) -> tuple[object, object, str]:
        try:
            runs = await client.runs(limit=settings.runs_shown)
            kept = query.select(runs, text or "")
        except QueryError as problem:
            return no_update, no_update, str(problem)
        except UiError as problem:
            return notice.error(problem), "", ""
        if not runs:
            return notice.empty(), "", ""
        return html.Div(await _table(client, runs, kept), className="card wide"), _foot(runs, kept), ""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("query-text", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def remember(text: str | None, now: str) -> object:
        wanted = address.search(address.Address(query=text or ""))
        return wanted if wanted != (now or "") else no_update


async def _table(client: Client, runs: Sequence[RunSummary], kept: Sequence[RunSummary]) -> Component:
    found, moved = await asyncio.gather(
        client.many([run.id for run in kept], ["loss"], buckets=_SPARK), stepped(client, kept)
    )
    losses = {run: curves["loss"] for run, curves in found.items() if "loss" in curves}
    return table(kept, losses, colours_of(runs), moved)


def _foot(runs: Sequence[RunSummary], kept: Sequence[RunSummary]) -> Component:
    words = f"{len(kept)} of {len(runs)} runs."
    keys = html.Span(" Select with x, open with Enter, compare with c, search with /.", className="keys")
    return marked(html.Span([words, keys]), testid="runs-count")
