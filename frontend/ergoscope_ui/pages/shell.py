"""What every page has: the bar on top, the address, and the clocks that scripts wind.

`reread`, `redraw` and `reheat` are counters that the page's scripts raise: words anew, charts anew, heat maps anew.
`done` is what was done to runs last, and `said` what is said of it for a while, on whichever page that then is.
"""

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from ergoscope_ui.browser import in_browser
from ergoscope_ui.client import Client
from ergoscope_ui.errors import UiError
from ergoscope_ui.panels.alerts_table import alarms
from ergoscope_ui.panels.marked import marked


def place() -> Component:
    """The page's frame."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="path"),
            dcc.Store(id="theme"),
            dcc.Store(id="reread", data=0),
            dcc.Store(id="redraw", data=0),
            dcc.Store(id="reheat", data=0),
            dcc.Store(id="done"),
            dcc.Store(id="said"),
            _bar(),
            html.Main(id="page"),
        ]
    )


def _bar() -> Component:
    badge = html.Span(id="alert-badge", className="badge", hidden=True)
    return html.Header(
        [
            dcc.Link(html.B("ergoscope"), href="/", className="brand"),
            dcc.Link("Runs", href="/", id="nav-runs"),
            dcc.Link("Compare", href="/compare", id="nav-compare"),
            dcc.Link(["Alerts", badge], href="/alerts", id="nav-alerts"),
            html.Span(className="sp"),
            marked(html.Span("", id="link", role="status"), testid="link"),
            html.Button("Theme", id="theme-switch", title="Dark or light", n_clicks=0),
            html.Form(html.Button("Log out"), id="leave", action="/logout", method="POST", hidden=True),
        ]
    )


def register(app: Dash, client: Client) -> None:
    """Fill the badge; follow the theme and the current page in the browser."""
    in_browser(app, "followTheme", Output("theme", "data"), Input("theme-switch", "n_clicks"))
    in_browser(app, "showPage", Output("path", "data"), Input("url", "pathname"), State("path", "data"))
    in_browser(
        app,
        "showNav",
        Output("nav-runs", "className"),
        Output("nav-compare", "className"),
        Output("nav-alerts", "className"),
        Input("url", "pathname"),
    )

    in_browser(app, "settle", Output("said", "data"), Input("done", "data"), first_call=False)

    @app.callback(Output("leave", "hidden"), Output("leave", "title"), Input("theme", "data"))
    async def offer_leave(_theme: str) -> tuple[bool, str]:
        try:
            name = (await client.rights()).account
        except UiError:
            return True, ""
        return not name, name

    @app.callback(
        Output("alert-badge", "children"),
        Output("alert-badge", "hidden"),
        Input("reread", "data"),
        Input("url", "pathname"),
    )
    async def count_firing(_clock: int, _path: str) -> tuple[str, bool]:
        try:
            firing = alarms(await client.alerts(state="firing"))
        except UiError:
            return "", True
        return str(len(firing)), not firing
