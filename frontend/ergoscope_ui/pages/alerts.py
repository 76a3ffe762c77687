"""Alerts of all runs."""

import asyncio

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.pages.scope import scope
from ergoscope_ui.panels import alerts_table, notice
from ergoscope_ui.settings import Settings


def place() -> Component:
    """The table's place."""
    title = html.Div(html.H1("Alerts"), className="title page")
    return html.Div([scope("alerts", title="Alerts"), title, html.Div(id="alerts-list", className="runs-list")])


def register(app: Dash, client: Client, settings: Settings) -> None:
    """Fill the table."""

    @app.callback(Output("alerts-list", "children"), Input("reread", "data"))
    async def fill(_clock: int) -> Component:
        try:
            alerts, runs = await asyncio.gather(client.alerts(), client.runs(limit=settings.runs_shown))
        except UiError as problem:
            return notice.error(problem)
        if not alerts:
            return alerts_table.nothing()
        names = {run.id: f"{run.project} / {run.name}" for run in runs}
        return html.Div(alerts_table.table(alerts, names), className="card wide")
