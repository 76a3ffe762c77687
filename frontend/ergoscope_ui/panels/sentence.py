"""What a colleague would say of the run, with the evidence."""

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary, Verdict
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.ribbon import ribbon
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import state_role, state_word


def sentence(verdict: Verdict, run: RunSummary) -> list[Component]:
    """The sentence, its flags, the evidence with definitions, and the ribbon."""
    said = marked(html.Span(verdict.headline or "Nothing can be said yet."), testid="headline")
    evidence = [term(phrase.text, phrase.reading) for phrase in verdict.evidence if phrase.text != verdict.headline]
    more = "" if verdict.sentence == verdict.headline else verdict.sentence
    end = max(run.last_step or 0, verdict.step, *(spell.last for spell in verdict.spells), 1)
    return [
        html.Div([said, *(_chip(flag) for flag in verdict.flags)], className="s"),
        marked(html.Div(evidence or more, className="e"), testid="evidence"),
        *ribbon(verdict.spells, verdict.marks, end=end),
    ]


def _chip(flag: str) -> Component:
    return marked(html.Span(state_word(flag), className=f"chip ink-{state_role(flag)}"), testid="flag")
