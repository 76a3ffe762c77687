"""Is the job alive? A dot, a word, and an age that counts up on the page (assets/ages.js)."""

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import count

WORDS = {"running": "live", "silent": "silent", "finished": "finished", "failed": "failed", "crashed": "crashed"}


def status(run: RunSummary, *, wordy: bool) -> Component:
    """The run's dot and word; `wordy` adds the age, or the step it ended at.

    The page itself turns "live" to "silent" when nothing arrived for ten seconds, since then no word from the
    service would.
    """
    word = WORDS[run.status]
    at = f" at step {count(run.last_step)}" if wordy and run.status in ("crashed", "failed") else ""
    parts = [html.I(className=f"dot dot-{word}"), html.Span(word + at, className="word")]
    if wordy:
        parts.append(html.Span("", className="ago"))
    return marked(
        html.Span(parts, className="status", title=run.reason),
        run=run.id,
        status=run.status,
        seen=str(run.last_seen),
        testid="status",
    )


def age(moment: float) -> Component:
    """How long ago something was, counting up."""
    return marked(html.Span("", className="age"), since=str(moment))
