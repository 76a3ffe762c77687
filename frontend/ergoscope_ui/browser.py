"""Callbacks that run in the browser: functions of `dash_clientside.ergoscope`, written in assets/nav.js."""

from dash import ClientsideFunction, Dash, Input, Output, State


def in_browser(app: Dash, function: str, *parts: Output | Input | State, first_call: bool = True) -> None:
    """Let the named function of assets/nav.js compute the outputs; `first_call` also when the page appears."""
    told = ClientsideFunction(namespace="ergoscope", function_name=function)
    app.clientside_callback(told, *parts, prevent_initial_call=not first_call)  # type: ignore[no-untyped-call]  # dash has no types here
