"""A number with a dotted line: pointing at it, or tabbing to it, opens its definition from the catalogue."""

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.catalogue import entry
from ergoscope_ui.panels.marked import marked


def term(text: str, key: str) -> Component | str:
    """`text` with the definition of the catalogue entry of `key`; bare text when the catalogue has none."""
    metric = entry(key) if key else None
    if metric is None:
        return text
    symbol = f" ({metric.symbol})" if metric.symbol else ""
    lines = [
        html.B(f"{metric.name}{symbol}"),
        html.Span(metric.tooltip),
        html.Span(metric.formula, className="formula"),
        html.Span(f"Misleads when: {metric.failure}"),
    ]
    if metric.source:
        lines.append(html.Span(f"Source: {metric.source}", className="source"))
    tip = html.Span(lines, className="tip", role="tooltip")
    return marked(html.Span([text, tip], className="term", tabIndex=0), metric=metric.id)
