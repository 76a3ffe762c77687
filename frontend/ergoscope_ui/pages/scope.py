"""What the page's scripts should follow: which view, which runs, and the service's clock."""

import time
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_ui.panels.marked import marked


def scope(view: str, *, title: str, runs: Sequence[str] = ()) -> Component:
    """An invisible element read by assets/live.js. Without runs it follows every run's news, but no series."""
    told = html.Div(id="scope", hidden=True)
    return marked(told, view=view, runs=" ".join(runs), title=title, now=str(time.time()))
