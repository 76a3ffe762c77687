"""A run's three questions, and its layers."""

import asyncio

from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from ergoscope_ui.address import read
from ergoscope_ui.cadence import news
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import gather
from ergoscope_ui.errors import UiError
from ergoscope_ui.extent import extent
from ergoscope_ui.figures import canvas
from ergoscope_ui.pages.run_charts import feet, figures, stability_key
from ergoscope_ui.pages.start import start_of
from ergoscope_ui.panels import layers, stability, stabilization, stationarity
from ergoscope_ui.panels.curvature import RESIDUAL, TOPS
from ergoscope_ui.panels.question import answer, card
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import palette

_CARDS = (stationarity, stabilization, stability)
_ERRORS = (RESIDUAL, *TOPS)  # what the errors of the sharpness are made of
METRICS = ("grad_norm", "loss")  # and what the chart of stability shows


def place() -> Component:
    """Three cards and the row of layers."""
    cards = html.Div([card(question.NAME, question.QUESTION) for question in _CARDS], className="q3")
    return html.Div([cards, layers.places(height=300)])


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the cards' words when the verdict changes, and their charts when the steps, the theme or the data do."""
    _register_words(app, client)
    _register_charts(app, client, settings)


def _register_words(app: Dash, client: Client) -> None:
    @app.callback(
        *[Output(f"{question.NAME}-answer", "children") for question in _CARDS],
        Input("run-id", "data"),
        Input("reread", "data"),
    )
    async def say(run: str, _clock: int) -> list[object]:
        try:
            verdict, firing, events, keys = await asyncio.gather(
                client.verdict(run), client.alerts(run=run, state="firing"), client.events(run), client.keys(run)
            )
        except UiError as problem:
            return [html.P(str(problem), className="dim")] * 3
        stable = stability.answer(
            verdict, firing, told=news(events).obstacle(stability.SHARPNESS), drawn=stability.SHARPNESS in keys
        )
        said = (stationarity.answer(verdict), stabilization.answer(verdict), stable)
        return [answer(one) for one in said]


def _register_charts(app: Dash, client: Client, settings: Settings) -> None:
    @app.callback(
        *[Output(f"{question.NAME}-chart", "figure") for question in _CARDS],
        *[Output(f"{question.NAME}-foot", "children") for question in _CARDS],
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        colours, held = palette(theme), read(pathname, search)
        try:
            stable = stability_key(await client.keys(run))
            start, about = await asyncio.gather(
                start_of(client, run, own=True),  # as the verdict has it
                gather(client, held, (*METRICS, stable, *_ERRORS), colours, buckets=settings.buckets),
            )
        except UiError as problem:
            blank = extent((), (), held).frame(colours, unit="")
            return [canvas.empty(blank, str(problem), failed=True)] * 3 + [[]] * 3
        return [*figures(about, start=start, stable=stable), *feet(about, stable=stable)]
