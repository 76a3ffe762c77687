"""What can be done to a run, or to those that are chosen: a menu, buttons, and what is said afterwards.

Their ids are the same on the page of a run and on the list, so that what is done is written once (pages/keeping.py).
Each is hidden until it is known that whoever looks may do it.
"""

from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from ergoscope_ui.panels.marked import marked

MENU, SHARE, ARCHIVE, RESTORE, DELETE = "run-menu", "share-open", "archive-go", "restore-go", "delete-open"
SAID = "said-words"
_KINDS = {"csv": "CSV", "json": "JSON", "parquet": "Parquet"}


def menu(run: str) -> Component:
    """The menu of a run's page; closed until somebody opens it."""
    items = [
        _item(_opening("Share by a link …", SHARE, "share-dialog"), SHARE),
        _exports(run),
        _item(html.Button("Archive", id=ARCHIVE, n_clicks=0), ARCHIVE),
        _item(html.Button("Take back from the archive", id=RESTORE, n_clicks=0), RESTORE),
        _item(_opening("Delete …", DELETE, "delete-dialog"), DELETE),
    ]
    opener = html.Summary("Actions", className="btn", title="Share, export, archive or delete this run")
    return html.Details([opener, html.Div(items, className="items")], id=MENU, className="actions", hidden=True)


def place_of(name: str) -> str:
    """The id of the place in the menu that a button has."""
    return f"menu-{name}"


def tools() -> list[Component]:
    """The buttons of the list, for the runs that are chosen there; assets/runs.js shows and counts them."""
    archive = html.Button("Archive", id=ARCHIVE, className="btn", n_clicks=0, hidden=True)
    restore = html.Button("Take back", id=RESTORE, className="btn", n_clicks=0, hidden=True)
    return [archive, restore, _opening("Delete …", DELETE, "delete-dialog", look="btn", hidden=True)]


def said() -> Component:
    """Where the page says what was done."""
    return html.Div(id=SAID, className="said", role="status")


def dialog(name: str, heading: str, parts: list[Component]) -> Component:
    """A window over the page, which `heading` names for those who do not see it; assets/actions.js opens and closes it.

    Its heading has the id NAME-title, and its problems are said at NAME-problem.
    """
    problem = html.P(id=f"{name}-problem", className="problem", role="alert")
    inside = [html.H2(heading, id=f"{name}-title"), *parts, problem]
    window = html.Dialog(html.Div(inside, className="inside"), id=f"{name}-dialog")
    setattr(window, "aria-labelledby", f"{name}-title")
    return window


def closing(words: str) -> Component:
    """A button that closes the window which it is in."""
    return marked(html.Button(words, className="btn"), closes="yes")


def _item(button: Component, name: str) -> Component:
    return html.Div(button, id=place_of(name), hidden=True)


def _opening(words: str, name: str, window: str, *, look: str = "", hidden: bool = False) -> Component:
    button = marked(html.Button(words, id=name, className=look, n_clicks=0, hidden=hidden), opens=window)
    setattr(button, "aria-haspopup", "dialog")
    return button


def _exports(run: str) -> Component:
    """Plain links: a file goes from the service to the browser, and what is refused is read in a page of its own."""
    path = f"/api/v1/runs/{quote(run, safe='')}/export?format="
    links = [
        html.A(name, href=path + kind, target="_blank", rel="noopener", title=f"Everything that was logged, as {name}")
        for kind, name in _KINDS.items()
    ]
    return html.Div([html.Span("Export"), *links], className="exports")
