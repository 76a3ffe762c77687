"""What happened in a run, newest first: events the job sent and marks the service made."""

from collections.abc import Sequence
from datetime import UTC, datetime

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import Alert
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import folded
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import count

_LONG, _SHOWN = 300, 200  # characters of a text that is folded, and of its beginning
_KINDS = {
    "lr_change": "learning rate",
    "resume": "resumed",
    "lost": "data lost",
    "agent": "agent",
    "note": "note",
    "code": "code",
    "thinned": "how often",
}


def table(events: Sequence[Event], alerts: Sequence[Alert]) -> Component:
    """One row a happening; changes of what is measured how often, told at one step, are one."""
    rows = [(e.wall, e.step, _kind(e), "", e.text) for e in folded(events)]
    rows += [(a.started, a.first_step, *_called(a), a.text) for a in alerts]
    if not rows:
        return html.P("Nothing has happened yet that was worth a note.", className="dim")
    rows.sort(key=lambda row: -row[0])
    head = html.Tr(
        [
            html.Th("when (UTC)", className="l"),
            html.Th("step"),
            html.Th("what", className="l"),
            html.Th("", className="l"),
        ]
    )
    body = [
        html.Tr(
            [
                html.Td(_moment(wall), className="l dim"),
                html.Td(count(step)),
                html.Td(kind, className=f"l {ink}"),
                html.Td(_folded(text), className="l text"),
            ]
        )
        for wall, step, kind, ink, text in rows
    ]
    return marked(html.Table([html.Thead(head), html.Tbody(body)], className="grid happenings"), testid="events")


def _folded(text: str) -> Component | str:
    """A text; of a long one its beginning, and the rest on a click."""
    if len(text) <= _LONG:
        return text
    begin = text[:_SHOWN].rsplit(" ", 1)[0]
    return html.Details([html.Summary(f"{begin} …"), html.P(text[len(begin) + 1 :])], className="rest")


def _called(alert: Alert) -> tuple[str, str]:
    """What an alert is called here, and its colour: only what is wrong is red."""
    return ("notice", "ink-descend") if alert.severity == "info" else ("alert", "ink-diverge")


def _kind(event: Event) -> str:
    rank = event.data.get("rank")
    return _named(event) if rank is None else f"{_named(event)}, rank {rank}"


def _named(event: Event) -> str:
    if event.kind == "agent" and "factor" in event.data:
        return _KINDS["lost"]  # rows given up in the job, since the way out of it was full
    return _KINDS.get(event.kind, event.kind.replace("_", " "))


def _moment(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%S")
