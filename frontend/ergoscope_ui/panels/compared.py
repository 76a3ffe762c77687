"""Who is compared: the names, their colours, the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.address import Address, link
from ergoscope_ui.colours import dashes
from ergoscope_ui.names import names_of
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import state_word


def nothing() -> Component:
    """No run chosen: how to choose."""
    lines = [
        html.H2("Choose what to compare"),
        html.P("In the list of runs, tick two or more (or press x on a row), then press Compare, or c."),
        dcc.Link("To the runs", href="/"),
    ]
    return marked(html.Div(lines, className="card notice"), testid="nothing-compared")


def head(runs: Sequence[RunSummary]) -> list[Component]:
    """How many runs of which projects."""
    projects = ", ".join(dict.fromkeys(run.project for run in runs))
    words = f"{len(runs)} runs side by side" if len(runs) != 1 else "1 run; choose another to compare it with"
    return [html.Span(f"{projects} /", className="crumb"), html.H1(words)]


def legend(runs: Sequence[RunSummary], shown: Address, colours: Mapping[str, int]) -> list[Component]:
    """Colour, name and state of each run, the baseline first; a name's link makes it the baseline."""
    styles = dashes([colours.get(run.id, 0) for run in runs])
    names = names_of(runs)
    return [
        _entry(run, names[run.id], shown, colours.get(run.id, 0), style)
        for run, style in zip(runs, styles, strict=True)
    ]


def _entry(run: RunSummary, name: str, shown: Address, colour: int, style: str) -> Component:
    lead = next(iter(run.flags), run.state)
    words: list[Component] = [html.B(name, title=f"{run.project} / {run.name}, {run.id}")]
    if run.id == shown.baseline:
        words.append(html.Span(f"baseline · {state_word(lead)}"))
    else:
        words.append(html.Span(state_word(lead)))
        words.append(dcc.Link("make baseline", href=link(replace(shown, base=run.id)), className="quiet"))
    key = html.I(className=f"key run-{colour} {style}")
    return marked(html.Span([key, *words]), run=run.id)
