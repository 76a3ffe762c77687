"""Attributes named data-..., by which the page's scripts and the tests find things."""

from dash.development.base_component import Component


def marked(component: Component, /, **data: str) -> Component:
    """Set `data-x` for each keyword `x` (underscores become hyphens) and give the component back."""
    for name, value in data.items():
        setattr(component, f"data-{name.replace('_', '-')}", value)
    return component
