"""The card of a question: the answer in a word, the number with its error, one sentence, one chart, how and when."""

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from ergoscope_ui.panels.graph import foot, graph
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.term import term

HEIGHT = 210


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card says: a word in a state's colour, a number with the key that defines it, a sentence of reading."""

    word: str
    role: str
    figure: str
    key: str
    reading: str


def card(name: str, question: str) -> Component:
    """The card, its places reserved: `name`-answer, `name`-chart and `name`-foot are filled by callbacks."""
    parts = [
        html.H2(question),
        html.Div(id=f"{name}-answer", className="answer-place"),
        graph(f"{name}-chart", height=HEIGHT),
        foot(f"{name}-foot"),
    ]
    return marked(html.Section(parts, className="card q"), testid=name)


def answer(said: Answer) -> list[Component]:
    """The words of a card."""
    figure = html.Span(term(said.figure, said.key), className="figure")
    return [html.Div([html.B(said.word, className=f"ink-{said.role}"), figure], className="a"), html.P(said.reading)]
