"""Is the job alive? A dot, a word, and an age that counts up on the page (assets/ages.js)."""

import math

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import count

WORDS = {"running": "live", "silent": "silent", "finished": "finished", "failed": "failed", "crashed": "crashed"}
_LONG_S, _STEPS = 60.0, 20


def status(run: RunSummary, *, wordy: bool, stepped: float | None = None) -> Component:
    """The run's dot and word; `wordy` adds the age, or the step it ended at.

    The page itself turns "live" to "silent" when nothing arrived for ten seconds, since then no word from the
    service would; and says how long a job that still sends signs of life has made no step, once that is long.

    Args:
        run: Its summary.
        wordy: Whether there is room.
        stepped: When its newest step was made, Unix seconds by the job's clock; None where that is not known.
    """
    word = WORDS[run.status]
    at = f" at step {count(run.last_step)}" if wordy and run.status in ("crashed", "failed") else ""
    parts = [html.I(className=f"dot dot-{word}"), html.Span(word + at, className="word")]
    if wordy:
        parts.append(html.Span("", className="ago"))
    told = marked(
        html.Span([*parts, html.Span("", className="stall")], className="status", title=run.reason),
        run=run.id,
        status=run.status,
        seen=str(run.last_seen),
        testid="status",
    )
    return told if stepped is None else marked(told, stepped=str(stepped), patience=str(patience(run)))


def patience(run: RunSummary) -> float:
    """After how many seconds without a step a job that is alive is said to make none: a minute, or twenty steps.

    Example:
        >>> patience(RunSummary("r", "p", "n", "running", 0.0, 0.0, latest={"step_time": 4.5}))
        90.0
    """
    usual = run.latest.get("step_time", 0.0)
    return max(_LONG_S, _STEPS * usual) if math.isfinite(usual) else _LONG_S


def age(moment: float) -> Component:
    """How long ago something was, counting up."""
    return marked(html.Span("", className="age"), since=str(moment))
