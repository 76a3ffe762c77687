"""Is it at a stationary point?"""

from ergoscope_contract.answers import Verdict
from ergoscope_ui.panels.question import Answer
from ergoscope_ui.panels.readings import find, not_judged, why_absent, written

NAME = "stationarity"
QUESTION = "Is it at a stationary point?"
LEVEL = "grad_norm_level"

_WORDS = {
    "STATIONARY-POINT": ("Yes", "still"),
    "PLATEAU": ("No sign of it", "settled"),
    "PLATEAU-INVARIANT": ("No", "settled"),
    "DESCENDING": ("No, still descending", "descend"),
    "DRIFTING": ("No, still drifting", "drift"),
    "WARMUP": ("Too early to say", "warm"),
    "UNDECIDED": ("Too early to say", "warm"),
}


def answer(verdict: Verdict) -> Answer:
    """What the verdict says of the gradient."""
    word, role = _WORDS[verdict.state]
    level = find(verdict, LEVEL)
    if level is None:
        why = why_absent(verdict, LEVEL) or not_judged(verdict)
        return Answer(word, role, f"absent, because {why}", LEVEL, _reading(verdict))
    return Answer(word, role, f"gradient norm {written(level)} of its start", LEVEL, _reading(verdict))


def _reading(verdict: Verdict) -> str:
    if verdict.state == "STATIONARY-POINT":
        return "How hard a batch pulls on the weights. Here the pull has all but vanished."
    if verdict.state == "PLATEAU":
        # A batch's pull holds its noise, so a level of it cannot exclude that the true slope is zero.
        return "How hard a batch pulls on the weights, noise included. It has levelled off without vanishing."
    if verdict.state == "PLATEAU-INVARIANT":
        return "The slope of the loss, noise removed. At a stationary point it would vanish; here it has levelled off."
    return "How hard a batch pulls on the weights. Its noise does not average out, so it seldom comes near zero."
