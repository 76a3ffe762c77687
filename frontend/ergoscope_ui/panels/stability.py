"""Is it stable?"""

from collections.abc import Sequence

from ergoscope_contract.answers import Alert, Reading, Verdict
from ergoscope_ui.panels.alerts_table import alarms
from ergoscope_ui.panels.question import Answer
from ergoscope_ui.panels.readings import find, not_judged, why_absent
from ergoscope_ui.words import number

NAME = "stability"
QUESTION = "Is it stable?"
SHARPNESS = "sharpness_ratio"
_LASTS = 1.2  # above it the training leaves the place where it is


def answer(verdict: Verdict, firing: Sequence[Alert], *, told: str = "", drawn: bool = False) -> Answer:
    """What the verdict and the firing alerts say of stability; without curvature only the alerts can speak.

    Args:
        verdict: Of the run.
        firing: Its alerts; notices say nothing of stability.
        told: What the agent says of why there is no ratio; it knows best.
        drawn: Whether the sharpness is what the card's chart shows.
    """
    firing = alarms(firing)
    word, role = _word(verdict, firing)
    sharpness = find(verdict, SHARPNESS)
    if sharpness is not None:
        return Answer(word, role, f"{_reach(sharpness)} of the threshold", SHARPNESS, _MEASURED)
    below = _MEASURED if drawn else _MOVES
    why = told or why_absent(verdict, SHARPNESS) or not_judged(verdict)
    return Answer(word, role, f"absent, because {why}", SHARPNESS, _reading(firing, below))


_MEASURED = "Above the threshold a plain quadratic would blow up; networks hover there. Lasting growth is the warning."
_MOVES = "Below: how far a step moves the weights, relative to their size."


def _reach(sharpness: Reading) -> str:
    """The median of the newest readings and, where they differ, their smallest and largest: no error, so no ±."""
    low, high = number(sharpness.low), number(sharpness.high)
    among = f" ({low} to {high})" if sharpness.low is not None and low != high else ""
    return f"{number(sharpness.value)}{among}"


def _word(verdict: Verdict, firing: Sequence[Alert]) -> tuple[str, str]:
    if "NONFINITE" in verdict.flags:
        return "No, not finite", "diverge"
    if "DIVERGING" in verdict.flags or any(alert.severity == "crit" for alert in firing):
        return "No", "diverge"
    if "EDGE" in verdict.flags:
        return "At the edge", "edge"
    sharpness = find(verdict, SHARPNESS)
    if firing or (sharpness is not None and (sharpness.value or 0.0) > _LASTS):
        return "Doubtful", "edge"
    return ("Yes", "settled") if sharpness is not None else ("Not known", "warm")


def _reading(firing: Sequence[Alert], below: str) -> str:
    return f"{firing[0].text} {below}" if firing else f"No alert is firing, which is no proof. {below}"
