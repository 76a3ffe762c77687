"""The words of laid-out components, as a reader would find them."""

from dash import dcc
from dash.development.base_component import Component


def text_of(part: object) -> str:
    """Join all strings below a component, or a list of them."""
    if part is None:
        return ""
    if isinstance(part, list | tuple):
        return " ".join(filter(None, map(text_of, part)))
    if isinstance(part, Component):
        return text_of(getattr(part, "children", None))
    return str(part)


def links_of(part: object) -> list[str]:
    """Give where the links below a component, or a list of them, lead."""
    if isinstance(part, list | tuple):
        return [way for one in part for way in links_of(one)]
    if not isinstance(part, Component):
        return []
    ways = [str(part.href)] if isinstance(part, dcc.Link) else []
    return [*ways, *links_of(getattr(part, "children", None))]
