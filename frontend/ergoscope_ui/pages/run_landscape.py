"""The Curvature tab's slice of the loss: asked for by a button, and drawn as its rows come in."""

import asyncio

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from ergoscope_contract.answers import Slice
from ergoscope_contract.slices import Axes
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.figures import landscape as figures
from ergoscope_ui.pages.allowed import rights_of
from ergoscope_ui.panels import landscape as panel
from ergoscope_ui.theme import palette

_HIDDEN, _SEEN, _BESIDE, _LINED = ({"display": kind} for kind in ("none", "block", "grid", "flex"))
_LOOKED_AT = 20  # newest slices
_ASKED, _WITHDRAWN, _DRAWN = f"{panel.NAME}-asked", f"{panel.NAME}-withdrawn", f"{panel.NAME}-drawn"


def place() -> Component:
    """The card, and what the callbacks remember: how often somebody asked and took it back, and what is drawn."""
    return html.Div([*(dcc.Store(id=name) for name in (_ASKED, _WITHDRAWN, _DRAWN)), panel.place()])


def register(app: Dash, client: Client) -> None:
    """Let the buttons ask and take it back, and show what has come of it."""
    _register_question(app, client)
    _register_withdrawal(app, client)
    _register_answer(app, client)


def _register_question(app: Dash, client: Client) -> None:
    @app.callback(
        Output(_ASKED, "data"),
        Output(f"{panel.NAME}-problem", "children"),
        Input(panel.ASK, "n_clicks"),
        State(panel.KIND, "value"),
        State(panel.AXES, "value"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    async def ask(clicks: int, kind: str, axes: Axes, run: str) -> tuple[object, str]:
        try:
            await client.ask_slice(run, axes=axes, dimensions=2 if kind == "plane" else 1)
        except UiError as problem:
            return no_update, str(problem)
        return clicks, ""


def _register_withdrawal(app: Dash, client: Client) -> None:
    @app.callback(
        Output(_WITHDRAWN, "data"),
        Output(f"{panel.NAME}-problem", "children", allow_duplicate=True),
        Input(panel.WITHDRAW, "n_clicks"),
        State("run-id", "data"),
        prevent_initial_call=True,
    )
    async def withdraw(clicks: int, run: str) -> tuple[object, str]:
        try:
            told = panel.newest_asked(await client.slices(run, limit=_LOOKED_AT))
            if told is not None and panel.waited_for(told):
                await client.withdraw_slice(run, told.id)
        except UiError as problem:
            return no_update, str(problem)
        return clicks, ""


def _register_answer(app: Dash, client: Client) -> None:
    @app.callback(
        Output(panel.WORDS, "children"),
        Output(panel.TOOLS, "style"),
        Output(panel.WITHDRAW, "style"),
        Output(panel.FOOT, "children"),
        Output(panel.CHARTS, "style"),
        Output(f"{panel.SECOND}-place", "style"),
        Output(panel.CHART, "figure"),
        Output(panel.SECOND, "figure"),
        Output(_DRAWN, "data"),
        Input("run-id", "data"),
        Input("reread", "data"),
        Input("theme", "data"),
        Input(_ASKED, "data"),
        Input(_WITHDRAWN, "data"),
        State(_DRAWN, "data"),
    )
    async def show(
        run: str, _clock: int, theme: str, _asked: int | None, _withdrawn: int | None, drawn: str | None
    ) -> list[object]:
        try:
            summary, found, rights = await asyncio.gather(
                client.run(run), client.slices(run, limit=_LOOKED_AT), rights_of(client)
            )
        except UiError as problem:
            said = html.P(str(problem), className="dim") if drawn is None else no_update  # what is there stays
            return [said, *[no_update] * 8]
        told = panel.newest_asked(found)
        waits = panel.waited_for(told)
        goes_on = panel.goes_on(summary) and rights.may("write", summary.project)
        ask, withdraw = _LINED if goes_on and not waits else _HIDDEN, _SEEN if goes_on and waits else _HIDDEN
        return [panel.words(told, summary), ask, withdraw, panel.feet(told, summary), *_charts(told, theme, drawn)]


def _charts(told: Slice | None, theme: str, drawn: str | None) -> list[object]:
    """Styles and figures, and what is drawn then; nothing is drawn anew as long as it stays the same."""
    shown = None if told is None else told.landscape
    if told is None or shown is None:
        return [_HIDDEN, no_update, no_update, no_update, ""]
    mark = f"{told.id} {told.state} {panel.progress(shown)} {theme}"
    if mark == drawn:
        return [no_update] * 5
    colours = palette(theme)
    if len(shown.offsets) == 1:
        return [_BESIDE, _HIDDEN, figures.line(shown, colours), no_update, mark]
    if not shown.running:
        return [_BESIDE, _HIDDEN, figures.plane(shown, colours), no_update, mark]
    second = figures.plane(shown, colours, running=True)
    return [_BESIDE, _SEEN, figures.plane(shown, colours), second, mark]
