"""The tail exponent of a layer's spectrum in words: never without its error, its fit, and what no structure reads."""

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from ergoscope_ui.curve import Curve
from ergoscope_ui.panels.curvature import newest
from ergoscope_ui.panels.readings import written
from ergoscope_ui.panels.term import term
from ergoscope_ui.words import count, number

ALPHA = "spectral_alpha"
BESIDE = tuple(f"{ALPHA}_{what}" for what in ("error", "distance", "tail", "null"))  # no charts of their own


def tail_words(curves: Mapping[str, Curve], layer: str) -> list[Component]:
    """A line on a layer's tail; nothing where any of its numbers is missing.

    Args:
        curves: By name of the series, `layer` behind the slash.
        layer: Whose.
    """
    alpha = newest(curves, f"{ALPHA}/{layer}")
    misfit, values, null = (newest(curves, f"{ALPHA}_{what}/{layer}") for what in ("distance", "tail", "null"))
    if alpha is None or misfit is None or values is None or null is None:
        return []
    words = [
        "The tail of its spectrum: ",
        term(f"α = {written(alpha)}", ALPHA),
        f" over {count(values.value)} values, ",
        term(f"misfit {number(misfit.value)}", f"{ALPHA}_distance"),
        "; random weights of this shape read ",
        term(number(null.value), f"{ALPHA}_null"),
        f". At step {count(alpha.step)}.",
    ]
    return [html.P(words, className="dim")]
