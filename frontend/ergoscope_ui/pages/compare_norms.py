"""The comparison's table of norm measures."""

from collections.abc import Awaitable, Callable, Sequence

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.address import Address, read
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.panels import notice
from ergoscope_ui.panels.norm_table import SERIES, norm_table
from ergoscope_ui.settings import Settings

Asked = Callable[[Address], Awaitable[Sequence[RunSummary]]]


def place() -> Component:
    """The table's card."""
    return html.Section(
        [html.H2("Norms and the generalization gap"), html.Div(id="norms-body")], className="card h after"
    )


def register(app: Dash, client: Client, settings: Settings, asked: Asked) -> None:
    """Fill the table; `asked` gives the runs of an address, the baseline first."""

    @app.callback(Output("norms-body", "children"), Input("url", "search"), Input("reread", "data"))
    async def fill(search: str, _clock: int) -> object:
        shown = read("/compare", search)
        try:
            runs = await asked(shown)
            found = await client.many([run.id for run in runs], SERIES, buckets=settings.buckets, last=shown.last)
        except UiError as problem:
            return notice.error(problem)
        return norm_table(runs, found)
