"""The words of laid-out components, as a reader would find them."""

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
