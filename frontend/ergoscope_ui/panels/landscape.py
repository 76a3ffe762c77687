"""How does the loss change around the weights? A slice that somebody asks the job for, and what has come of it."""

from collections.abc import Sequence

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import Landscape, RunSummary, Slice
from ergoscope_ui.figures.landscape import MEASURED, PARABOLA, RUNNING, distances
from ergoscope_ui.panels.graph import foot_words, graph
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.status import age
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count, number

NAME, KEY = "landscape", "loss_slice"
ASK, KIND, AXES, TOOLS = f"{NAME}-ask", f"{NAME}-kind", f"{NAME}-axes", f"{NAME}-tools"
WITHDRAW = f"{NAME}-withdraw"
WORDS, CHARTS, FOOT = f"{NAME}-words", f"{NAME}-charts", f"{NAME}-foot"
CHART, SECOND = f"{NAME}-chart", f"{NAME}-second"
HEIGHT = 320
LONG_S = 60.0  # after which an answer may have been expected

_DIRECTIONS = {"hessian": "steepest direction", "update": "last update", "random": "random direction"}
_UNHEARD = "hears of it with its next batch"
_UNANSWERED = "Only rank 0 of a job answers, where it is watched; a question that nothing answers can be withdrawn."
_NOTHING = "Nobody has asked yet how the loss changes around the weights; the job can measure it while it trains."
_TOO_LATE = "Nobody asked, while the run went on, how the loss changes around the weights; now nothing can measure it."


def place() -> Component:
    """The card, its places filled by callbacks; charts are there once something is measured."""
    charts = html.Div(
        [
            html.Div(graph(CHART, height=HEIGHT, linked=False)),
            html.Div(graph(SECOND, height=HEIGHT, linked=False), id=f"{SECOND}-place"),
        ],
        id=CHARTS,
        className="slices",
        style={"display": "none"},
    )
    kinds = dcc.RadioItems(["line", "plane"], "line", id=KIND, inline=True, className="kinds")
    axes = dcc.RadioItems(_DIRECTIONS, "hessian", id=AXES, inline=True, className="kinds")
    button = html.Button("Measure a slice", id=ASK, className="btn", n_clicks=0)
    tools = html.Div([button, kinds, axes], id=TOOLS, className="tools", style={"display": "none"})
    withdraw = html.Button("Withdraw", id=WITHDRAW, className="quiet", n_clicks=0, style={"display": "none"})
    problem = html.P(id=f"{NAME}-problem", className="dim")
    reading = html.Div([html.Div(id=WORDS), tools, withdraw, problem], className="reading")
    body = html.Div([charts, reading], className="slice")
    said = html.Div(id=FOOT, className="foot")
    return marked(html.Section([html.H2("Loss around the weights"), body, said], className="card h after"), testid=NAME)


def words(told: Slice | None, run: RunSummary) -> Sequence[Component]:
    """What has come of the newest slice; `told` is None when nobody has asked for one."""
    if told is None:
        return [html.P(_NOTHING if goes_on(run) else _TOO_LATE)]
    shown = told.landscape
    refused = html.P(f"{'Not measured' if shown is None else 'Cut short'}: {told.reason}.")
    if shown is None:
        return [refused] if told.state == "refused" else _asked(told, run)
    if told.state == "done":
        return [_misfit(shown), *_remarks(shown), _key(shown)]
    return [_answer(progress(shown), "points measured"), *([refused] if told.state == "refused" else []), _key(shown)]


def _asked(told: Slice, run: RunSummary) -> list[Component]:
    heard = "has heard of it and looks for directions first" if run.last_seen > told.asked else _UNHEARD
    silent = ", and is silent at present" if run.status == "silent" else ""
    late = run.last_seen - told.asked > LONG_S or run.status == "silent"
    said: list[Component] = [html.P([f"The job {heard}{silent}; asked ", age(told.asked)])]
    return [*said, html.P(_UNANSWERED)] if late else said


def newest_asked(found: Sequence[Slice]) -> Slice | None:
    """The newest slice that somebody asked for here; where nobody did, the newest that came from elsewhere.

    found: newest first.
    """
    return next((told for told in found if told.request is not None), next(iter(found), None))


def waited_for(told: Slice | None) -> bool:
    """Whether somebody has asked and nothing has answered yet."""
    return told is not None and told.state in ("open", "measuring")


def goes_on(run: RunSummary) -> bool:
    """Whether a job is there that can measure."""
    return run.status in ("running", "silent")


def progress(shown: Landscape) -> str:
    """How many of its points are measured.

    Example:
        >>> nan = float("nan")
        >>> progress(Landscape(1, ["a"], [1.0], [[-1.0, 0.0, 1.0]], [2.0, 1.0, nan]))
        '2 of 3'
    """
    values = np.asarray(shown.values, dtype=np.float64)
    return f"{count(int((~np.isnan(values)).sum()))} of {count(values.size)}"


def feet(told: Slice | None, run: RunSummary) -> Sequence[Component]:
    """How the newest slice was obtained, on which examples, and at whose weights."""
    shown = None if told is None else told.landscape
    if told is None or shown is None:
        return []
    probe = f"probe batch {shown.batch}" if shown.batch else ""
    elsewhere = "asked for through another service" if told.request is None else ""
    said = "; ".join(filter(None, [shown.how, probe, elsewhere]))
    return foot_words(said, shown.step, chart=CHART, now=run.last_step)


def _answer(figure: str, said: str) -> Component:
    return html.Div([html.B(figure), html.Span(term(said, KEY), className="figure")], className="a")


def _misfit(shown: Landscape) -> Component:
    if shown.misfit is not None:
        return _answer(f"{number(100 * shown.misfit, digits=2)} %", "off the parabola")
    return _answer("Flat", "to a millionth") if shown.predicted else _answer("No parabola", "to compare it with")


def _remarks(shown: Landscape) -> list[Component]:
    """How to read the misfit, and how far the slice reaches."""
    said = []
    if shown.misfit is not None:
        said.append(
            "0\u00a0% if the loss is what slope and curvature at the weights predict, 100\u00a0% if they say nothing."
        )
    across = [distances(shown, axis) for axis in range(len(shown.offsets))]
    reach = max(float(np.abs(one).max()) for one in across)
    updates = f", {number(reach / shown.update, digits=2)} times the last update" if shown.update else ""
    said.append(f"It reaches {number(reach, digits=2)} from the weights{updates}.")
    lost = int((~np.isfinite(np.asarray(shown.values, dtype=np.float64))).sum())
    if lost:
        said.append(f"Not finite at {count(lost)} of {count(len(shown.values))} points.")
    return [html.P(" ".join(said))]


def _key(shown: Landscape) -> Component:
    """What the lines are."""
    flat = len(shown.offsets) == 1
    kinds = [(f"{MEASURED}, {shown.mode}" if shown.mode and flat else MEASURED, "measured" if flat else "contour")]
    if shown.running and flat:
        kinds.append((RUNNING, "measured dot"))
    if shown.predicted:
        kinds.append((PARABOLA, "expected dash" if flat else "contour expected dash"))
    if shown.update and flat:
        kinds.append(("within one update", "area"))
    lines: list[Component] = [html.Span([html.I(className=f"key {look}"), name]) for name, look in kinds]
    return html.Div(lines, className="leg")
