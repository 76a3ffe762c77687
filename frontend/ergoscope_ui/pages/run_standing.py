"""The overview's layers: the gradient norm's heat map, and the layers that stand out now."""

import asyncio

from dash import Dash, Input, Output, State, no_update

from ergoscope_ui.address import read
from ergoscope_ui.cadence import Cadence, news
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.layered import FIRST
from ergoscope_ui.pages import heat
from ergoscope_ui.panels import layers
from ergoscope_ui.settings import Settings
from ergoscope_ui.standing import LEAST, standings
from ergoscope_ui.theme import palette

_HEIGHT = 300
_BY = "update_ratio"


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the heat map, the line above it, and the table."""

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
        held = read(pathname, search)
        asked = heat.by_layer(client, run, FIRST, buckets=2 * settings.columns, first=held.first, last=held.last)
        try:
            summary, events, curves = await asyncio.gather(client.run(run), client.events(run), asked)
            told = news(events)
            steps = _back(told.cadence(_BY), settings.recent_steps)
            since = max(0, (summary.last_step or 0) - steps)
            recent = await heat.by_layer(client, run, _BY, buckets=settings.buckets, first=since, last=None)
        except UiError:
            return no_update, no_update, no_update
        figure, width = heat.draw(heat.Heat(FIRST, summary, curves), held, settings, palette(theme), height=_HEIGHT)
        steps = min(steps, summary.last_step or steps)
        table = layers.table(standings(recent), steps=steps, cadence=told.cadence(_BY))
        return figure, layers.column_words(FIRST, width, told.cadence(FIRST)), table


def _back(cadence: Cadence | None, usual: int) -> int:
    """How many steps back "now" reaches: further where a quantity is so rare that there would be too few values."""
    return usual if cadence is None else max(usual, 2 * LEAST * cadence.period)
