"""Has the loss settled?"""

from ergoscope_contract.answers import Reading, Verdict
from ergoscope_ui.panels.question import Answer
from ergoscope_ui.panels.readings import find, not_judged, why_absent, written
from ergoscope_ui.words import count, number

NAME = "stabilization"
QUESTION = "Has the loss settled?"
MEAN = "loss_mean_ci"

_SETTLED = ("PLATEAU", "PLATEAU-INVARIANT", "STATIONARY-POINT", "DRIFTING")


def answer(verdict: Verdict) -> Answer:
    """What the verdict says of the loss."""
    word, role = _word(verdict)
    mean = find(verdict, MEAN)
    if mean is None:
        why = why_absent(verdict, MEAN) or not_judged(verdict)
        return Answer(word, role, f"absent, because {why}", MEAN, _NO_MEAN)
    return Answer(word, role, written(mean), MEAN, _reading(mean, find(verdict, "ess"), since(verdict)))


_NO_MEAN = "The mean of the loss over the steps since it settled, with an interval that allows for correlation."


def since(verdict: Verdict) -> int | None:
    """The step the loss has been settled from; None while it has not."""
    if verdict.state not in _SETTLED:
        return None
    onset = find(verdict, "stabilization_onset")
    if onset is not None and onset.value is not None:
        return int(onset.value)
    return verdict.since


def _word(verdict: Verdict) -> tuple[str, str]:
    if "NONFINITE" in verdict.flags or "DIVERGING" in verdict.flags:
        return "No, diverging", "diverge"
    if verdict.state in _SETTLED:
        start = since(verdict)
        told = f"Yes, since {count(start)}" if start is not None else "Yes"
        return (f"{told}; not the weights", "drift") if verdict.state == "DRIFTING" else (told, "settled")
    if verdict.state == "DESCENDING":
        return "No, still falling", "descend"
    return "Too early to say", "warm"


def _reading(mean: Reading, looks: Reading | None, start: int | None) -> str:
    text = "Mean with an interval that allows for correlation"
    text = f"{text} ({mean.how})" if mean.how else text
    worth = looks.value if looks is not None else mean.n
    if worth is None or start is None or mean.step is None or mean.step <= start:
        return text + "."
    return f"{text}: {count(mean.step - start)} steps are worth {number(worth, digits=2)} independent ones."
