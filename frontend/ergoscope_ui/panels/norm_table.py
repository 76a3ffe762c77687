"""Measures that have been linked to generalization, a run a row, and whether they put runs in the order of the gap."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.agreement import FEWEST, agreement
from ergoscope_ui.curve import Curve
from ergoscope_ui.gap import LOSS, VALIDATION, Gap, gap_of
from ergoscope_ui.names import names_of
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count, number, with_error

Curves = Mapping[str, Curve]
Found = tuple[float, int]  # a value and the step at which it was measured
MARGIN = "margin_quantile"
NO_SCORE = (
    "No such measure is a bound that is tight for every algorithm, and none is a score: they compare runs of one "
    "architecture."
)
_SOURCE = "Gastpar, Nachum, Shafer, Weinberger (2024)"
_DASH = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A measure: its head, the catalogue entry behind it, and its value of one run's curves."""

    head: str
    key: str
    value: Callable[[Curves], Found | None]


def _newest(key: str) -> Callable[[Curves], Found | None]:
    def value(curves: Curves) -> Found | None:
        curve = curves.get(key)
        return (float(curve.final[-1]), int(curve.last[-1])) if curve is not None and curve.size else None

    return value


def _over_margin(key: str) -> Callable[[Curves], Found | None]:
    """A logarithm less that of the margin of the hardest tenth; none where that margin is not above zero."""

    def value(curves: Curves) -> Found | None:
        size, margin = _newest(key)(curves), _newest(MARGIN)(curves)
        if size is None or margin is None or not margin[0] > 0:
            return None
        return size[0] - math.log(margin[0]), size[1]

    return value


COLUMNS = (
    Column("log Π‖W‖₂", "norm_product", _newest("norm_product")),
    Column("over margin", "norm_product", _over_margin("norm_product")),
    Column("Σ‖W−W₀‖²/‖W‖₂²", "norm_distance", _newest("norm_distance")),
    Column("log paths", "path_norm", _newest("path_norm")),
    Column("over margin", "path_norm", _over_margin("path_norm")),
    *(
        Column(head, key, _newest(key))
        for head, key in (
            ("‖w−w₀‖", "dist_from_init"),
            ("λ₁", "lambda_max"),
            ("Tr H", "hess_trace"),
            ("coherence", "coherence"),
            ("NC1", "nc1"),
        )
    ),
)
SERIES = tuple(dict.fromkeys((LOSS, *VALIDATION, MARGIN, *(column.key for column in COLUMNS))))


def norm_table(runs: Sequence[RunSummary], curves: Mapping[str, Curves]) -> list[Component]:
    """The table, or why there is none, and what it is not.

    Args:
        runs: A row each.
        curves: Those of `SERIES`, by run and metric.
    """
    gaps = [gap_of(curves.get(run.id, {})) for run in runs]
    found = {column: [column.value(curves.get(run.id, {})) for run in runs] for column in COLUMNS}
    columns = [column for column, values in found.items() if any(value is not None for value in values)]
    if not columns and not any(gaps):
        return [
            html.P("None of these runs has a norm measure or a loss on other data yet.", className="dim"),
            html.P(_how_to_log(), className="dim"),
        ]
    heads = [html.Th(""), html.Th("gap"), *(html.Th(term(column.head, column.key)) for column in columns)]
    body = [
        html.Tr([html.Td(name), _gap_cell(gap), *(_cell(found[column][at]) for column in columns)])
        for at, (name, gap) in enumerate(zip(names_of(runs).values(), gaps, strict=True))
    ]
    ranks, words = _ranks(gaps, [found[column] for column in columns])
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody([*body, *ranks])], className="plain norms")
    return [
        html.Div(f"{NO_SCORE} Source: {_SOURCE}.", className="sub"),
        html.Div(marked(table, testid="norms"), className="wide"),
        html.P(words, className="foot"),
    ]


def _ranks(gaps: Sequence[Gap | None], columns: Sequence[Sequence[Found | None]]) -> tuple[list[Component], str]:
    """The row of rank correlations, where there are runs enough for one, and what is said under the table."""
    having = sum(gap is not None for gap in gaps)
    if having < FEWEST:
        missing = f" {_how_to_log()}" if having < len(gaps) else ""
        return [], f"A rank correlation with the gap takes {FEWEST} runs of which it is known, not {having}.{missing}"
    heights = np.array([math.nan if gap is None else gap.value for gap in gaps])
    cells = []
    for column in columns:
        values = np.array([math.nan if value is None else value[0] for value in column])
        tau = agreement(values, heights)
        words = _DASH if tau is None else f"{tau.value:.2f} ({tau.low:.2f} to {tau.high:.2f})"
        told = f"fewer than {FEWEST} runs, or all alike" if tau is None else f"of {tau.count} runs"
        cells.append(html.Td(words, title=told))
    row = html.Tr([html.Td("Kendall τ"), html.Td(""), *cells])
    return [row], f"Kendall τ: rank correlation with the gap over {having} runs, in brackets its 95 % interval."


def _gap_cell(gap: Gap | None) -> Component:
    if gap is None:
        return html.Td(_DASH, title=_how_to_log())
    how = f"{gap.key} at step {count(gap.step)} less the mean training loss of the tenth before"
    error = "; its error is that of the training loss" if gap.half is not None else ""
    return html.Td(with_error(gap.value, gap.half), title=how + error)


def _cell(value: Found | None) -> Component:
    if value is None:
        return html.Td(_DASH, title="not measured, or not defined for this run")
    return html.Td(number(value[0], digits=4), title=f"measured at step {count(value[1])}")


def _how_to_log() -> str:
    return f"The gap is known where a loss on other data is logged, as {VALIDATION[0]}."
