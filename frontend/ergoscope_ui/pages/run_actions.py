"""The menu of a run's page: what whoever looks may do to it, and the links by which others read it."""

import asyncio
from urllib.parse import urlsplit

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError, UnknownError
from ergoscope_ui.pages.allowed import rights_of
from ergoscope_ui.pages.keeping import CHOSEN
from ergoscope_ui.panels import actions, deletion, sharing

_OFFERED = (actions.SHARE, actions.ARCHIVE, actions.RESTORE, actions.DELETE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def place(run: str) -> Component:
    """The menu and its windows, closed."""
    return html.Div(
        [
            dcc.Store(id=CHOSEN, data=[run]),
            dcc.Store(id="share-ended"),
            actions.menu(run),
            sharing.window(),
            deletion.window(),
        ]
    )


def register(app: Dash, client: Client) -> None:
    """Show what may be done, and let links be made and taken back."""
    _register_menu(app, client)
    _register_making(app, client)
    _register_ending(app, client)

    @app.callback(
        Output(sharing.LINKS, "children"),
        Input(actions.SHARE, "n_clicks"),
        Input(sharing.MADE, "children"),
        Input("share-ended", "data"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    async def show(clicks: int | None, _made: object, _ended: object, run: str) -> object:
        if not clicks:
            return no_update
        try:
            found, rights = await asyncio.gather(client.shares(run), rights_of(client))
            return sharing.links(found, unknown="" if rights.account else rights.name)
        except UiError as problem:
            return html.P(str(problem), className="problem")


def _register_menu(app: Dash, client: Client) -> None:
    @app.callback(
        Output(actions.MENU, "hidden"),
        *[Output(actions.place_of(name), "hidden") for name in _OFFERED],
        Input("run-id", "data"),
        Input("reread", "data"),
    )
    async def offer(run: str, _clock: int) -> tuple[object, ...]:
        try:
            summary, rights = await asyncio.gather(client.run(run), rights_of(client))
        except UnknownError:
            return (True,) * 5
        except UiError:
            return (no_update,) * 5
        writes, deletes = rights.may("write", summary.project), rights.may("admin", summary.project)
        return False, not writes, not writes or summary.archived, not writes or not summary.archived, not deletes


def _register_making(app: Dash, client: Client) -> None:
    @app.callback(
        Output(sharing.MADE, "children"),
        Output(sharing.PROBLEM, "children"),
        Input(sharing.GO, "n_clicks"),
        Input(actions.SHARE, "n_clicks"),
        State(sharing.DAYS, "value"),
        State("url", "href"),
        State("run-id", "data"),
        prevent_initial_call=True,
        running=[
            (Output(sharing.GO, "disabled"), True, False),
            (Output(sharing.GO, "children"), sharing.PENDING, sharing.LABEL),
        ],
    )
    async def make(clicks: int | None, _opened: int | None, days: str, href: str, run: str) -> tuple[object, str]:
        if not clicks or ctx.triggered_id != sharing.GO:
            return [], ""  # it was opened again: what was told once is gone
        try:
            share = await client.share(run, days=float(days))
        except UiError as problem:
            return no_update, str(problem)
        here = urlsplit(href)
        link = f"{here.scheme}://{here.netloc}{share.path}"
        return sharing.made(link, share, near=here.hostname in _LOOPBACK), ""


def _register_ending(app: Dash, client: Client) -> None:
    @app.callback(
        Output("share-ended", "data"),
        Output(sharing.PROBLEM, "children", allow_duplicate=True),
        Input({"type": sharing.END, "share": ALL}, "n_clicks"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    async def end(clicks: list[int | None], run: str) -> tuple[object, str]:
        wanted = ctx.triggered_id
        if not any(clicks) or not isinstance(wanted, dict):
            return no_update, ""
        try:
            await client.end_share(run, wanted["share"])
        except UnknownError:
            return wanted["share"], ""  # it is over, which was meant
        except UiError as problem:
            return no_update, str(problem)
        return wanted["share"], ""
