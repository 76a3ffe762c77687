"""The run's life in one line, wide (the brush of the charts) and small (in the list)."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import Mark, Spell
from ergoscope_ui.figures.canvas import is_alarm, sign
from ergoscope_ui.figures.ribbon import Sign, Stretch, signs, stretches
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import count, state_word

HINT = "Drag to choose the steps the charts show; double-click for all."


def ribbon(spells: Sequence[Spell], marks: Sequence[Mark], *, end: int) -> list[Component]:
    """The wide ribbon with its marks; dragging on it sets the steps of every chart (assets/brush.js)."""
    pieces = [_piece(stretch) for stretch in stretches(spells, end=end)]
    strip = html.Div([*pieces, html.Div(className="window")], className="ribbon", title=HINT)
    told = [_told(placed) for placed in signs(marks, end=end)]
    return [
        marked(strip, end=str(end), testid="ribbon"),
        html.Div([*told, html.Span(f"step {count(end)}", className="end")], className="marks"),
    ]


def mini(spells: Sequence[Spell], *, end: int) -> Component:
    """The ribbon 120 px wide."""
    return html.Div([_piece(stretch) for stretch in stretches(spells, end=end)], className="mini")


def _piece(stretch: Stretch) -> Component:
    words = f"{state_word(stretch.state)}, steps {count(stretch.first)} to {count(stretch.last)}"
    return html.I(className=f"fill-{stretch.role}", title=words, style={"width": f"{stretch.width}%"})


def _told(placed: Sign) -> Component:
    bare = sign(placed.mark) == "╵"
    symbol = html.Span(f"{sign(placed.mark)} ", className="sign bare" if bare and placed.worded else "sign")
    words = html.Span(placed.mark.text, className="words") if placed.worded else None
    return html.Span(
        [symbol, words],
        className="mark alarm" if is_alarm(placed.mark) else "mark",
        title=f"{placed.mark.text}, step {count(placed.mark.step)}",
        style={"left": f"{placed.left}%"},
    )
