"""The head of a run's page: who it is, whether it lives, and what it costs."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import RankSummary, RunSummary
from ergoscope_contract.records import Fork
from ergoscope_ui.address import Address, link
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.optimizer import learning_rate
from ergoscope_ui.panels.ranks_table import summed
from ergoscope_ui.panels.status import status
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count, number, percent


def head(
    run: RunSummary,
    ranks: Sequence[RankSummary] = (),
    *,
    stepped: float | None = None,
    parent: RunSummary | None = None,
) -> list[Component]:
    """Project, name and status to the left; ranks, step, pace, learning rate and the agent's own cost to the right.

    Args:
        run: Which.
        ranks: Its processes, where it has several.
        stepped: When its newest step was made, Unix seconds by the job's clock.
        parent: The run that it was forked from, where that is there and may be seen.
    """
    seconds = run.latest.get("step_time")
    pace = None if seconds is None else number(1000 * seconds, digits=2)
    return [
        html.Span(f"{run.project} /", className="crumb"),
        marked(html.H1(run.name or run.id), testid="run-name"),
        status(run, wordy=True, stepped=stepped),
        *([html.Span("archived", className="chip", title="It is off the list")] if run.archived else []),
        *([_origin(run.fork, parent)] if run.fork is not None else []),
        html.Span(className="sp"),
        *([summed(run, ranks)] if run.ranks > 1 else []),
        _pair("step", "step", count(run.last_step)),
        html.Span([_live("pace", pace or "–"), " ", term("ms a step", "step_time")], className="kv"),
        _pair("lr", "lr", number(learning_rate(run))),
        html.Span(
            [
                "agent ",
                _live("agent", percent(run.latest.get("agent_overhead"))),
                term(" of step time", "agent_overhead"),
            ],
            className="kv",
        ),
        _pair("lost", "lost", count(run.lost), alarm=run.lost > 0),
    ]


def _origin(fork: Fork, parent: RunSummary | None) -> Component:
    """Where it was forked from."""
    at = f" at step {count(fork.step)}"
    if parent is not None:
        way = dcc.Link(parent.name or parent.id, href=link(Address(page="run", run=parent.id)))
        told = html.Span(["forked from ", way, at], className="crumb", title="Charts begin with its history")
        return marked(told, testid="fork")
    gone = f"forked from {fork.run}{at}, which was deleted or is not yours to see"
    title = "Charts show this run's own steps only"
    return marked(html.Span(gone, className="crumb", title=title), testid="fork")


def _pair(label: str, name: str, value: str, *, alarm: bool = False) -> Component:
    return html.Span([f"{label} ", _live(name, value)], className="kv alarm" if alarm else "kv")


def _live(name: str, value: str) -> Component:
    return marked(html.B(value), live=name)
