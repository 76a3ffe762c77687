"""What stands in the place of numbers that are not there: empty, absent, out of reach.

What may mend itself carries `data-retry`: the page then asks again every few seconds (assets/live.js).
"""

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_ui.errors import UiError, UnknownError, UnreachableError
from ergoscope_ui.panels.marked import marked

CODE = "import ergoscope\n\nergoscope.watch(model, optimizer)"


def empty() -> Component:
    """No run yet: the code that makes the first one."""
    lines = [
        html.H2("No run yet"),
        html.P("Put this line where the optimizer is made and start the training: the run shows up here by itself."),
        marked(html.Pre(html.Code(CODE)), testid="empty-code"),
        html.P(["Nothing to train at hand? ", html.Code("ergoscope demo"), " trains a small network."]),
    ]
    return marked(html.Div(lines, className="card notice"), testid="empty", retry="yes")


def nothing_archived() -> Component:
    """No run was set aside."""
    lines = [
        html.H2("Nothing is archived"),
        html.P(
            "What is archived is kept, and is off the list. Archive a run from its page, or choose runs in the list."
        ),
        html.P(dcc.Link("Back to the runs", href="/")),
    ]
    return marked(html.Div(lines, className="card notice"), testid="nothing-archived")


def error(problem: UiError) -> Component:
    """A failure: what happened, what is safe, what to do."""
    title, safe, todo = _words(problem)
    lines = [html.H2(title), html.P(str(problem)), html.P(safe), html.P(todo)]
    return marked(html.Div(lines, className="card notice", role="alert"), testid="error", retry="yes")


def unknown(what: str) -> Component:
    """An address that leads nowhere."""
    lines = [html.H2("There is no such page"), html.P(what), html.A("Back to the runs", href="/")]
    return marked(html.Div(lines, className="card notice"), testid="unknown")


def _words(problem: UiError) -> tuple[str, str, str]:
    if isinstance(problem, UnreachableError):
        return (
            "The service does not answer",
            "No data is lost: the jobs keep what they measured on disk and deliver it when the service is back.",
            "Start it with “ergoscope up”. This page tries again by itself.",
        )
    if isinstance(problem, UnknownError):
        return (
            "There is no such run",
            "It may have been deleted, or belong to another service.",
            "The list of runs shows what this service knows.",
        )
    return ("The service refused", "Nothing was changed.", "Reload the page; if it stays, the service's log says more.")
