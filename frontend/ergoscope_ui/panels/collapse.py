"""Have the last features collapsed? Four quantities that fall to zero together where they have, in one chart."""

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.catalogue import ALL
from ergoscope_ui.curve import Curve
from ergoscope_ui.figures.comparison import Strand
from ergoscope_ui.panels.curvature import newest
from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.readings import written
from ergoscope_ui.panels.term import term
from ergoscope_ui.theme import Palette
from ergoscope_ui.words import count

NAME, HEIGHT = "collapse", 240
EXAMPLES = "nc_examples"
LINES = {"nc1": 0, "nc2_norm": 1, "nc2_angle": 5, "nc3": 3, "nc4": 4}  # colours of runs, without the red one
SERIES = (*LINES, EXAMPLES)


def place() -> Component:
    """The card, hidden until there is something to draw."""
    parts = [
        html.H2("Have the last features collapsed?"),
        html.Div(id=f"{NAME}-sub", className="sub two"),
        html.Div(id=f"{NAME}-legend", className="leg"),
        graph(NAME, height=HEIGHT),
        foot(f"{NAME}-foot"),
    ]
    return html.Section(parts, id=f"{NAME}-card", className="card h", style={"display": "none"})


def strands(curves: Mapping[str, Curve], colours: Palette) -> list[Strand]:
    """The lines of the chart."""
    drawn = {key: curves[key] for key in LINES if key in curves}
    return [Strand(ALL[key].symbol, curve, colours.runs[LINES[key]]) for key, curve in drawn.items()]


def words(curves: Mapping[str, Curve]) -> list[Component | str]:
    """What they are to be read as, and how many examples they rest on."""
    told: list[Component | str] = [
        "In collapse the examples of a class come to one point, the points to a symmetric simplex, and the head to "
        "those points: all of these fall to 0. Without it they level off."
    ]
    examples = newest(curves, EXAMPLES)
    if examples is not None:
        told += [" The newest rest on ", term(f"{count(examples.value)} examples", EXAMPLES), " of the rarest class."]
    return told


def legend(curves: Mapping[str, Curve]) -> list[Component]:
    """Each line with its name and its newest value."""
    return [_entry(key, curves) for key in LINES if key in curves]


def _entry(key: str, curves: Mapping[str, Curve]) -> Component:
    now = newest(curves, key)
    value = [html.B(written(now))] if now is not None else []
    parts = [html.I(className=f"key run-{LINES[key]}"), term(ALL[key].symbol, key), *value]
    return marked(html.Span(parts), metric=key)
