"""A run's Layers tab: whether its last features have collapsed, where that was measured."""

from dash import Dash, Input, Output, State, no_update

from ergoscope_ui.address import read
from ergoscope_ui.client import Client
from ergoscope_ui.dossier import gather
from ergoscope_ui.errors import UiError
from ergoscope_ui.figures import decades
from ergoscope_ui.pages.run_charts import foot_of
from ergoscope_ui.panels import collapse
from ergoscope_ui.settings import Settings
from ergoscope_ui.theme import palette

_HIDDEN, _SEEN = {"display": "none"}, {"display": "block"}


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the card, or hide it."""

    @app.callback(
        Output(f"{collapse.NAME}-card", "style"),
        Output(f"{collapse.NAME}-sub", "children"),
        Output(f"{collapse.NAME}-legend", "children"),
        Output(collapse.NAME, "figure"),
        Output(f"{collapse.NAME}-foot", "children"),
        Input("run-id", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("redraw", "data"),
        State("url", "pathname"),
    )
    async def draw(run: str, search: str, theme: str, _clock: int, pathname: str) -> list[object]:
        held, colours = read(pathname, search), palette(theme)
        try:
            if not {*collapse.LINES} & {*await client.keys(run)}:
                return [_HIDDEN, *[no_update] * 4]
            about = await gather(client, held, collapse.SERIES, colours, buckets=settings.buckets)
        except UiError:
            return [no_update] * 5
        lines = collapse.strands(about.curves, colours)
        figure = decades.overlay(lines, about.frame("nc1", unit=""), absent="no reading within these steps")
        first = next((key for key in collapse.LINES if key in about.curves), "nc1")
        words = foot_of(about.curves.get(first), first, about.news, chart=collapse.NAME, now=about.now)
        return [_SEEN, collapse.words(about.curves), collapse.legend(about.curves), figure, words]
