"""Assembles the page: settings, client, pages, and the frame of HTML around them."""

import logging
from pathlib import Path

from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component
from fastapi import FastAPI

from ergoscope_ui import address, theme
from ergoscope_ui.client import Client
from ergoscope_ui.pages import alerts, compare, keeping, login, run, runs, shell
from ergoscope_ui.panels import notice
from ergoscope_ui.policy import Policy, policy
from ergoscope_ui.settings import Settings
from ergoscope_ui.visitor import Visitor

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>ergoscope</title>
{%favicon%}
<style>THEME</style>
{%css%}
<script src="/assets/early.js"></script>
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


def mount(app: FastAPI, *, server_url: str) -> None:
    """Put the page on a FastAPI application, at "/".

    Call it after the application's own routes are there, since the page answers every path that is left.

    Args:
        app: The service's application; page and service then share one process.
        server_url: Where the page's server side reaches the service's REST interface, e.g. "http://127.0.0.1:7117".
    """
    build(app, Settings(server_url=server_url))


def build(app: FastAPI, settings: Settings) -> Dash:
    """Assemble the page on `app` with explicit settings, and give the Dash application back."""
    client = Client(settings)
    app.add_api_route(login.PATH, login.answer, include_in_schema=False)
    app.add_middleware(Visitor)
    dash = Dash(
        name="ergoscope_ui",
        server=app,  # type: ignore[arg-type]  # dash names Flask only, and takes FastAPI
        backend="fastapi",
        title="ergoscope",
        update_title="",
        index_string=_INDEX.replace("THEME", theme.css()),
        suppress_callback_exceptions=True,
        serve_locally=True,
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_ignore=r"early\.js",  # the frame asks for it, before the others
        use_pages=False,
        pages_folder="",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        add_log_handler=False,
        on_error=_log,
    )
    dash.backend.websocket_capability = False  # dash would open a socket in every page that nothing here uses
    dash.layout = shell.place()
    shell.register(dash, client)
    keeping.register(dash, client)
    runs.register(dash, client, settings)
    run.register(dash, client, settings)
    compare.register(dash, client, settings)
    alerts.register(dash, client, settings)
    _route(dash)
    app.add_middleware(Policy, policy=policy(dash.csp_hashes()))
    dash._setup_server()  # type: ignore[no-untyped-call]  # else a page asked for before "/" would come without its scripts (dash 4.4)
    return dash


def _log(problem: Exception) -> None:
    """Keep a failed callback's traceback (dash answers 500 without a word); the page keeps what it shows."""
    logging.getLogger("ergoscope_ui").error("a callback failed", exc_info=problem)


def _route(dash: Dash) -> None:
    @dash.callback(Output("page", "children"), Input("path", "data"), State("url", "search"), prevent_initial_call=True)
    def show(pathname: str | None, search: str | None) -> Component:
        return page_of(address.read(pathname, search))


def page_of(shown: address.Address) -> Component:
    """The layout of a view, before anything of it is asked."""
    if shown.page == "runs":
        return runs.place(shown)
    if shown.page == "run":
        return run.place(shown)
    if shown.page == "compare":
        return compare.place(shown)
    if shown.page == "alerts":
        return alerts.place()
    return html.Div(notice.unknown("The address leads nowhere on this service."))
