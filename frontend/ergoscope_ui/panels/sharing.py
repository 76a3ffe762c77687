"""Who may read this run without an account? Whoever has a link: how one is made, which are open, who made them."""

import time
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from ergoscope_contract.answers import Share
from ergoscope_ui.panels.actions import closing, dialog
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.status import age
from ergoscope_ui.words import ahead

NAME = "share"
DAYS, GO, MADE, LINKS, PROBLEM = f"{NAME}-days", f"{NAME}-go", f"{NAME}-made", f"{NAME}-links", f"{NAME}-problem"
LABEL, PENDING = "Make a link", "Making it …"
END = f"{NAME}-end"
_LASTS = {"1": "a day", "7": "a week", "30": "30 days", "365": "a year"}


def window() -> Component:
    """The window; its list comes when it is opened."""
    what = "Whoever has a link reads this run and nothing else, without an account, until it expires or is taken back."
    lasts = dcc.RadioItems(_LASTS, "7", id=DAYS, inline=True, className="kinds")
    choice = html.Div([html.Span("Expires after", id=f"{DAYS}-label"), lasts], className="lasts", role="group")
    setattr(choice, "aria-labelledby", f"{DAYS}-label")
    make = html.Button(LABEL, id=GO, className="btn on", n_clicks=0)
    parts = [
        html.P(what),
        choice,
        html.Div(make, className="tools"),
        html.Div(id=MADE, role="status"),
        html.H3("Links that are open"),
        html.Div(html.P("Looking for them …", className="dim"), id=LINKS, className="links"),
        html.Div(closing("Close"), className="tools end"),
    ]
    return dialog(NAME, "Share this run", parts)


def made(link: str, share: Share, *, near: bool, now: float | None = None) -> list[Component]:
    """A link that was just made, which is told once.

    near: nobody but this machine reaches the address that it begins with.
    """
    expires = ahead(share.expires - (time.time() if now is None else now))
    copy = marked(html.Button("Copy", className="btn"), copies=f"{NAME}-link")
    line = html.Div([html.Code(link, id=f"{NAME}-link", tabIndex=0), copy], className="link")
    own = " Its address is this machine's own, and opens nowhere else." if near else ""
    return [line, html.P(f"It is shown this once, and expires {expires}.{own}", className="small")]


def links(found: Sequence[Share], *, unknown: str = "", now: float | None = None) -> Component:
    """The links that are open, the newest first.

    unknown: what makers are called of whom nothing is known, so that it is not said.
    """
    if not found:
        return html.P("None.", className="dim")
    moment = time.time() if now is None else now
    return html.Ul([_row(one, unknown, moment) for one in reversed(found)])


def ending(share_id: str) -> dict[str, str]:
    """The id of the button that takes a link back."""
    return {"type": END, "share": share_id}


def _row(share: Share, unknown: str, now: float) -> Component:
    by = "" if share.who == unknown else f" by {share.who}"
    back = html.Button("Take back", id=ending(share.id), className="quiet", n_clicks=0)
    setattr(back, "aria-label", f"Take back link {share.id}, made{by}")
    rest = f"{by}, expires {ahead(share.expires - now)}"
    told: list[str | Component] = ["made ", age(share.created), rest]
    return html.Li([html.Span(told, title=f"link {share.id}"), back])
