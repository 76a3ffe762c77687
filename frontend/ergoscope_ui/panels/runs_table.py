"""The list of runs: what each is doing, and how it got there, in one glance."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.address import Address, link
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.optimizer import learning_rate, optimizer
from ergoscope_ui.panels.ribbon import mini
from ergoscope_ui.panels.status import age, status
from ergoscope_ui.rights import NOTHING, RIGHTS, Rights
from ergoscope_ui.words import count, number, state_role, state_word

_LEFT = "l"
_HEAD = (
    ("", "pick"),
    ("run", _LEFT),
    ("status", _LEFT),
    ("verdict, and how it got there", _LEFT),
    ("loss", ""),
    ("", ""),
    ("flag", _LEFT),
    ("step", ""),
    ("lr", "hide"),
    ("optimizer", "l hide"),
    ("last update", "hide"),
)


def table(
    runs: Sequence[RunSummary],
    drawn: Mapping[str, str],
    colours: Mapping[str, int],
    stepped: Mapping[str, float] | None = None,
    rights: Rights = NOTHING,
) -> Component:
    """One row a run; `colours` gives each run its colour's number, which it keeps on every page.

    drawn: the loss of each run as a drawing, which serves as a mask.
    stepped: when the newest step of those that live was made, Unix seconds by the job's clock.
    rights: what whoever looks may do, which each row tells the page's scripts of its project.
    """
    head = html.Tr([html.Th(words, className=kind) for words, kind in _HEAD])
    moved = stepped or {}
    rows = [
        marked(_row(run, drawn.get(run.id, ""), colours.get(run.id, 0), moved.get(run.id)), may=_may(run, rights))
        for run in runs
    ]
    return marked(html.Table([html.Thead(head), html.Tbody(rows)], className="grid stack"), testid="runs")


def _row(run: RunSummary, drawing: str, colour: int, stepped: float | None) -> Component:
    cells = [
        html.Td(_box(run, colour), className="pick"),
        html.Td([html.Span(f"{run.project} / ", className="crumb"), _name(run)], className="l name"),
        html.Td(status(run, wordy=False, stepped=stepped), className="l"),
        html.Td(_verdict(run), className="l"),
        html.Td(html.Div(className="spark", style=_spark(drawing))),
        marked(html.Td(_loss(run)), cell="loss"),
        html.Td(_flags(run), className="l"),
        marked(html.Td(count(run.last_step)), cell="step"),
        html.Td(number(learning_rate(run)), className="hide"),
        html.Td(optimizer(run), className="l hide"),
        html.Td(age(run.last_seen), className="dim hide"),
    ]
    return marked(html.Tr(cells, tabIndex=-1), run=run.id, href=link(Address(page="run", run=run.id)))


def _may(run: RunSummary, rights: Rights) -> str:
    return " ".join(right for right in RIGHTS if rights.may(right, run.project))


def _name(run: RunSummary) -> Component:
    return dcc.Link(run.name or run.id, href=link(Address(page="run", run=run.id)), className="strong", title=run.id)


def _box(run: RunSummary, colour: int) -> Component:
    label = f"Select {run.name or run.id} for comparison"
    box = html.Button("", className=f"box run-{colour}", title=label)
    setattr(box, "aria-label", label)
    return box


def _verdict(run: RunSummary) -> list[Component]:
    lead = next(iter(run.flags), run.state)
    word = html.Span([html.I(className=f"fill-{state_role(lead)}"), state_word(lead)], className="verd")
    return [word, mini(run.spells, end=run.last_step or 1)]


def _spark(drawing: str) -> dict[str, str]:
    return {"maskImage": drawing} if drawing else {"visibility": "hidden"}


def _loss(run: RunSummary) -> str:
    return number(run.latest["loss"]) if "loss" in run.latest else "–"


def _flags(run: RunSummary) -> list[Component]:
    return [html.Span(state_word(flag), className=f"ink-{state_role(flag)} flag") for flag in run.flags]
