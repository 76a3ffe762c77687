"""Alerts, those that fire first, then notices that stand: run, step, what happened, when."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import Alert
from ergoscope_ui.address import Address, link
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.status import age
from ergoscope_ui.words import count

_ROLES = {"crit": "diverge", "warn": "edge", "info": "descend"}
_WORDS = {"crit": "critical", "warn": "warning", "info": "notice"}
_STANDS = {"firing": "stands", "resolved": "over"}  # a notice is no alarm, so it neither fires nor is it resolved


def table(alerts: Sequence[Alert], names: Mapping[str, str]) -> Component:
    """One row an alert; `names` gives runs their names."""
    ordered = sorted(alerts, key=_order)
    head = html.Tr([html.Th(words, className=kind) for words, kind in _HEAD])
    rows = [_row(alert, names.get(alert.run, alert.run)) for alert in ordered]
    return marked(html.Table([html.Thead(head), html.Tbody(rows)], className="grid told"), testid="alerts")


def alarms(alerts: Sequence[Alert]) -> list[Alert]:
    """Those that say that something is wrong: notices do not."""
    return [alert for alert in alerts if alert.severity != "info"]


def _order(alert: Alert) -> tuple[bool, bool, float]:
    fires = alert.state == "firing"
    return not fires, fires and alert.severity == "info", -alert.started


_HEAD = (
    ("state", "l"),
    ("severity", "l hide"),
    ("run", "l"),
    ("what happened", "l"),
    ("step", ""),
    ("since", ""),
    ("ended", "hide"),
)


def _row(alert: Alert, name: str) -> Component:
    firing = alert.state == "firing"
    role = _ROLES[alert.severity]
    called = _STANDS[alert.state] if alert.severity == "info" else alert.state
    state = [html.I(className=f"dot fill-{role if firing else 'warm'}"), html.Span(called)]
    return html.Tr(
        [
            html.Td(html.Span(state, className="status"), className="l"),
            html.Td(_WORDS[alert.severity], className=f"l hide ink-{role}" if firing else "l hide dim"),
            html.Td(dcc.Link(name, href=link(_around(alert)), className="strong"), className="l name"),
            html.Td([html.Div(alert.text), html.Div(alert.rule, className="dim small")], className="l text"),
            html.Td(count(alert.first_step)),
            html.Td(age(alert.started), className="dim"),
            html.Td(age(alert.ended) if alert.ended is not None else "", className="dim hide"),
        ]
    )


def _around(alert: Alert) -> Address:
    """The run held to the steps around the alert, from a fifth before it began to the end."""
    first = None if alert.first_step is None else max(0, alert.first_step - max(100, alert.first_step // 5))
    return Address(page="run", run=alert.run, first=first)


def nothing() -> Component:
    """No alert: said calmly, with what is watched for."""
    lines = [
        html.H2("No alert has fired"),
        html.P(
            "Watched for in every run, without being asked: numbers that are not finite, a loss that runs away or "
            "changes after it has settled, and a job that has gone silent. That a loss has settled is told once."
        ),
    ]
    return marked(html.Div(lines, className="card notice"), testid="no-alerts")
