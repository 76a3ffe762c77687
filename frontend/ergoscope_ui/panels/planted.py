"""Parts of a page that nothing fills in later, as plain lists which assets/plant.js makes elements of.

Dash keeps account of each component by itself: a table of 200 rows, seven thousand of them, holds the page up for ten
seconds and more. The browser makes as many elements in a tenth of one.
"""

from collections.abc import Mapping
from typing import TypeAlias

from dash import dcc, html
from dash.development.base_component import Component

Tree: TypeAlias = "str | list[object]"
"""A text, or an element: its tag, its attributes, and its children, each a tree."""

_NAMES = {"className": "class", "tabIndex": "tabindex"}


def planted(part: object) -> Tree:
    """Give a component of `dash.html`, or a link, with all that is in it.

    Raises:
        TypeError: Among it is a component of another kind, which only Dash can draw.

    Example:
        >>> planted(html.Td(["step ", html.B("7", className="n")], title="t"))
        ['td', {'title': 't'}, ['step ', ['b', {'class': 'n'}, ['7']]]]
    """
    if not isinstance(part, Component):
        return str(part)
    if not isinstance(part, dcc.Link) and getattr(html, type(part).__name__, None) is not type(part):
        raise TypeError(f"{type(part).__name__} cannot be planted; it must be of dash.html, or a dcc.Link")
    given: Mapping[str, object] = part.to_plotly_json()["props"]  # type: ignore[no-untyped-call]  # dash has no types here
    children = given.get("children")
    several = children if isinstance(children, list | tuple) else [] if children is None else [children]
    tag = "a" if isinstance(part, dcc.Link) else type(part).__name__.lower()
    attributes = {_NAMES.get(name, name): value for name, value in given.items() if name != "children"}
    return [tag, attributes, [planted(child) for child in several if child is not None]]
