"""Is it stable?"""

from collections.abc import Sequence

from ergoscope_contract.answers import Alert, Verdict
from ergoscope_contract.catalogue import entry
from ergoscope_ui.panels.question import Answer
from ergoscope_ui.panels.readings import find, why_absent, written

NAME = "stability"
QUESTION = "Is it stable?"
SHARPNESS = "sharpness_ratio"


def answer(verdict: Verdict, firing: Sequence[Alert]) -> Answer:
    """What the verdict and the firing alerts say of stability; without curvature only the alerts can speak."""
    word, role = _word(verdict, firing)
    sharpness = find(verdict, SHARPNESS)
    if sharpness is not None:
        return Answer(word, role, f"{written(sharpness)} of the threshold", SHARPNESS, _MEASURED)
    return Answer(word, role, f"absent, because {_absent(verdict)}", SHARPNESS, _reading(firing))


_MEASURED = "Above the threshold a plain quadratic would blow up; networks hover there. Lasting growth is the warning."
_MOVES = "Below: how far a step moves the weights, relative to their size."


def _absent(verdict: Verdict) -> str:
    metric = entry(SHARPNESS)
    return why_absent(verdict, SHARPNESS) or (metric.absent if metric else "") or "curvature is not measured yet"


def _word(verdict: Verdict, firing: Sequence[Alert]) -> tuple[str, str]:
    if "NONFINITE" in verdict.flags:
        return "No, not finite", "diverge"
    if "DIVERGING" in verdict.flags or any(alert.severity == "crit" for alert in firing):
        return "No", "diverge"
    if "EDGE" in verdict.flags:
        return "At the edge", "edge"
    if find(verdict, SHARPNESS) is not None:
        return "Yes", "settled"
    return ("Not known", "warm") if not firing else ("Doubtful", "edge")


def _reading(firing: Sequence[Alert]) -> str:
    return f"{firing[0].text} {_MOVES}" if firing else f"No alert is firing, which is no proof. {_MOVES}"
