"""Is it meant? What goes when runs are deleted, and what must be typed before they are."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels.actions import closing, dialog
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import count, listed

NAME = "delete"
TITLE, WORDS, GO, PROBLEM = f"{NAME}-title", f"{NAME}-words", f"{NAME}-go", f"{NAME}-problem"
LABEL, PENDING = "Delete for good", "Deleting …"
_LIVE = ("running", "silent")


def window() -> Component:
    """The window; its words come when it is opened."""
    buttons = [
        html.Button(LABEL, id=GO, className="btn danger", n_clicks=0, disabled=True),
        closing("Cancel"),
    ]
    place = html.Div(looking(), id=WORDS)
    return dialog(NAME, "Delete?", [place, html.Div(buttons, className="tools")])


def looking() -> Component:
    """Until it is known what goes."""
    return html.P("Looking what there is …", className="dim")


def title(runs: Sequence[RunSummary]) -> str:
    """The question."""
    return f"Delete {named(runs[0])}?" if len(runs) == 1 else f"Delete {len(runs)} runs?"


def words(runs: Sequence[RunSummary], series: int | None = None) -> list[Component]:
    """What goes, what else could be done, and the line to type.

    series: how many the one run has; None where that is not known.
    """
    live = [named(run) for run in runs if run.status in _LIVE]
    wanted = asked(runs)
    parts = [html.P([f"{_what(runs, series)} There is no way back."])]
    if live:
        owner = "Its job" if len(runs) == 1 else f"The job of {listed(live)}"
        parts.append(html.P(f"{owner} has not ended: it goes on, and what it sends is dropped."))
    if not all(run.archived for run in runs):
        them = "it" if len(runs) == 1 else "them"
        parts.append(html.P(f"To only take {them} off the list, archive {them} instead."))
    place = marked(html.Div(id="delete-typed", className="inp"), expects=wanted, label=f"Type {wanted} to confirm")
    return [*parts, html.P(["Type ", html.B(wanted), " to confirm:"], className="ask"), place]


def asked(runs: Sequence[RunSummary]) -> str:
    """What must be typed: the name of the one run, or how many there are.

    Example:
        >>> asked([RunSummary("r1", "p", "calm otter ", "running", 0.0, 0.0)] * 2)
        'delete 2 runs'
    """
    return named(runs[0]) if len(runs) == 1 else f"delete {len(runs)} runs"


def named(run: RunSummary) -> str:
    """A run's name as somebody types it; its id where it has none."""
    return " ".join(run.name.split()) or run.id


def done(names: Sequence[str], gone: Sequence[str]) -> str:
    """What was done, `gone` those that others had deleted already.

    Example:
        >>> done(["a", "b"], []), done([], ["c"])
        ('Deleted a and b.', 'c was not there any more.')
    """
    was = f"{listed(gone)} {'was' if len(gone) == 1 else 'were'} not there any more." if gone else ""
    return " ".join(filter(None, [f"Deleted {listed(names)}." if names else "", was]))


def _what(runs: Sequence[RunSummary], series: int | None) -> str:
    if len(runs) > 1:
        return f"{listed([named(run) for run in runs])}: everything that was kept of them goes."
    of = f" of {count(series)} series" if series else ""
    steps = f"{count(runs[0].last_step)} steps{of}" if runs[0].last_step else "its settings"
    return f"Everything that was kept of it goes: {steps}, distributions, slices, events, alerts, and links to it."
