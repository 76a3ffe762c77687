"""How does the loss change around the weights? A slice that somebody asks the job for, and what has come of it."""

from collections.abc import Sequence

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import Landscape, RunSummary, Slice
from ergoscope_ui.figures.landscape import MEASURED, PARABOLA, RUNNING, distances
from ergoscope_ui.panels.graph import foot, foot_words, graph
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.status import age
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count, number

NAME, KEY = "landscape", "loss_slice"
ASK, KIND, TOOLS = f"{NAME}-ask", f"{NAME}-kind", f"{NAME}-tools"
WORDS, CHARTS, FOOT = f"{NAME}-words", f"{NAME}-charts", f"{NAME}-foot"
CHART, SECOND = f"{NAME}-chart", f"{NAME}-second"
HEIGHT = 320

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
    button = html.Button("Measure a slice", id=ASK, className="btn", n_clicks=0)
    tools = html.Div([button, kinds], id=TOOLS, className="tools", style={"display": "none"})
    reading = html.Div([html.Div(id=WORDS), tools, html.P(id=f"{NAME}-problem", className="dim")], className="reading")
    body = html.Div([charts, reading], className="slice")
    return marked(
        html.Section([html.H2("Loss around the weights"), body, foot(FOOT)], className="card h after"), testid=NAME
    )


def words(told: Slice | None, run: RunSummary) -> Sequence[Component]:
    """What has come of the newest slice; `told` is None when nobody has asked for one."""
    if told is None:
        return [html.P(_NOTHING if goes_on(run) else _TOO_LATE)]
    if told.state == "refused":
        return [html.P(f"Not measured: {told.reason}.")]
    if told.landscape is None:
        heard = "has heard of it and not begun." if run.last_seen > told.asked else "hears of it with its next batch."
        silent = " It is silent at present." if run.status == "silent" else ""
        return [html.P(["Asked ", age(told.asked), f"; the job {heard}{silent}"])]
    if told.state == "measuring":
        return [_answer(progress(told.landscape), "measured so far"), _key(told.landscape)]
    return [_misfit(told.landscape), *_remarks(told.landscape), _key(told.landscape)]


def goes_on(run: RunSummary) -> bool:
    """Whether a job is there that can measure."""
    return run.status in ("running", "silent")


def progress(shown: Landscape) -> str:
    """How far a slice has come, by rows; of a line, by points.

    Example:
        >>> nan = float("nan")
        >>> progress(Landscape(1, ["a"], [1.0], [[-1.0, 0.0, 1.0]], [2.0, 1.0, nan]))
        'point 2 of 3'
    """
    rows = np.asarray(shown.values, dtype=np.float64).reshape(len(shown.offsets[0]), -1)
    begun = int((~np.isnan(rows)).any(axis=1).sum())
    return f"{'row' if len(shown.offsets) > 1 else 'point'} {begun} of {len(rows)}"


def feet(told: Slice | None, run: RunSummary) -> Sequence[Component]:
    """How the newest slice was obtained, on which examples, and at whose weights."""
    shown = None if told is None else told.landscape
    if told is None or shown is None:
        return foot_words("", None, chart="")
    mode = f"normalisation layers on {shown.mode}" if shown.mode else ""
    probe = f"probe batch {shown.batch}" if shown.batch else ""
    said = "; ".join(filter(None, [shown.how, probe, mode, " and ".join(shown.axes)]))
    back = (run.last_step or shown.step) - shown.step
    ago = f", {count(back)} step{'s' if back != 1 else ''} ago" if back > 0 else ""
    return [html.Span(said, className="how", title=said), html.Span(f"step {count(shown.step)}{ago}", className="at")]


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
        said.append("0 % if the loss is what slope and curvature at the weights predict, 100 % if they say nothing.")
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
    kinds = [(f"{MEASURED}, {shown.mode}" if shown.mode else MEASURED, "measured" if flat else "contour")]
    if shown.running and flat:
        kinds.append((RUNNING, "measured dot"))
    if shown.predicted:
        kinds.append((PARABOLA, "expected dash" if flat else "contour dash"))
    if shown.update and flat:
        kinds.append(("within one update", "area"))
    if shown.running and not flat:
        kinds.append((f"second chart: {RUNNING}", "contour"))
    lines: list[Component] = [html.Span([html.I(className=f"key {look}"), name]) for name, look in kinds]
    return html.Div(lines, className="leg")
