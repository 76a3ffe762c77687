"""Gradient norm by layer over the run, and the layers that stand out now."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.catalogue import entry
from ergoscope_ui.cadence import Cadence, reasons
from ergoscope_ui.layered import against
from ergoscope_ui.panels.graph import graph
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.term import term
from ergoscope_ui.standing import LEAST, Standing
from ergoscope_ui.words import count, scientific

HEAT, TABLE, SUB = "layers-heat", "layers-table", "layers-sub"
SHOWN = 8


def places(*, height: int) -> Component:
    """The row of heat map and table, its places reserved."""
    heat = html.Section(
        [
            html.H2("Gradient norm by layer"),
            html.Div("log10, each row against its own median", id=SUB, className="sub two"),
            graph(HEAT, height=height, linked=False),
        ],
        className="card h",
    )
    table = html.Section(
        [
            html.H2("Layers that stand out now"),
            html.Div(id=TABLE, className="wide", style={"minHeight": f"{height}px"}),
        ],
        className="card h",
    )
    return html.Div([heat, table], className="row")


def column_words(quantity: str, width: int, cadence: Cadence | None) -> str:
    """What the heat map shows, in words, and why there are no more values."""
    metric = entry(quantity)
    unit = f", in {metric.unit}" if metric is not None and metric.unit else ""
    colour = {
        "ratio": "log10, each row against its own median",
        "difference": f"each row less its own median{unit}",
        "zero": "the values themselves",
    }[against(quantity)]
    column = "a column is a step" if width == 1 else f"a column is {count(width)} steps, its maximum kept"
    return "; ".join(filter(None, [colour, column, _taken(cadence)]))


def _taken(cadence: Cadence | None) -> str:
    rare = reasons(cadence)
    return f"taken {rare}" if rare else ""


def table(standings: Sequence[Standing], *, steps: int, cadence: Cadence | None = None) -> list[Component]:
    """The most unusual layers, with a bar as long as they are unusual; beyond 3 it is orange.

    cadence: how often the quantity is taken that they are ranked by.
    """
    taken = _taken(cadence)
    sub = html.Div(
        [
            *("by ", term("update ratio", "update_ratio"), f", against the last {count(steps)} steps"),
            f"; {taken}" if taken else "",
        ],
        className="sub two",
    )
    if not standings:
        return [sub, html.P(f"absent, because fewer than {LEAST} values a layer have arrived", className="dim")]
    rows = [_row(standing) for standing in standings[:SHOWN]]
    head = html.Tr([html.Th("layer"), html.Th("update ratio"), html.Th("z"), html.Th()])
    body = html.Table([html.Thead(head), html.Tbody(rows)], className="plain")
    return [sub, marked(body, testid="standings")]


def _row(standing: Standing) -> Component:
    width = min(90.0, max(3.0, 22 * abs(standing.z)))
    bar = html.I(className="bar out" if abs(standing.z) > 3 else "bar", style={"width": f"{width:.0f}px"})
    return html.Tr(
        [
            html.Td(standing.name, title=standing.name),
            html.Td(scientific(standing.value)),
            html.Td(f"{standing.z:.1f}".replace("-", "−")),
            html.Td(bar, className="l"),
        ]
    )
