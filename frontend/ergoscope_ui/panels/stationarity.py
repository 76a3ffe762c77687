"""Is it at a stationary point?"""

from ergoscope_contract.answers import Reading, Verdict
from ergoscope_ui.panels.question import Answer
from ergoscope_ui.panels.readings import find, not_judged, why_absent, written
from ergoscope_ui.words import number

NAME = "stationarity"
QUESTION = "Is it at a stationary point?"
LEVEL, WITHOUT_NOISE = "grad_norm_level", "grad_debiased_level"

_WORDS = {
    "STATIONARY-POINT": ("Yes", "still"),
    "PLATEAU": ("Cannot be told", "settled"),
    "PLATEAU-INVARIANT": ("No", "settled"),
    "DESCENDING": ("No, still descending", "descend"),
    "DRIFTING": ("No, the weights drift", "drift"),
    "WARMUP": ("Too early to say", "warm"),
    "UNDECIDED": ("Too early to say", "warm"),
}


_SLOPE = {
    "DESCENDING": "The slope of the loss, the noise of batches removed. At a stationary point it vanishes.",
    "PLATEAU": "The slope of the loss, the noise of batches removed. It cannot be told yet whether it has vanished.",
    "PLATEAU-INVARIANT": (
        "The slope of the loss, noise removed. At a stationary point it would vanish; here it has levelled off."
    ),
    "DRIFTING": "The slope of the loss, noise removed. The loss is level, but the weights go on.",
}


def answer(verdict: Verdict) -> Answer:
    """What the verdict says of the gradient."""
    word, role = _WORDS[verdict.state]
    debiased = find(verdict, WITHOUT_NOISE)
    if debiased is not None:
        return Answer(word, role, f"without noise {_share(debiased)} of its start", WITHOUT_NOISE, _reading(verdict))
    level = find(verdict, LEVEL)
    if level is None:
        why = why_absent(verdict, LEVEL) or not_judged(verdict)
        return Answer(word, role, f"absent, because {why}", LEVEL, _reading(verdict))
    return Answer(word, role, f"gradient norm {written(level)} of its start", LEVEL, _reading(verdict))


def _share(level: Reading) -> str:
    """The level with its error, or what it is at most where zero cannot be excluded."""
    return written(level) if level.low else f"at most {number(level.high, digits=2)}"


def _reading(verdict: Verdict) -> str:
    if verdict.state == "STATIONARY-POINT":
        return "How steep the loss is. Here the slope has all but vanished."
    if find(verdict, WITHOUT_NOISE) is not None:
        return _SLOPE.get(verdict.state, _SLOPE["DESCENDING"])
    if verdict.state == "PLATEAU":
        # A batch's pull holds its noise, so a level of it cannot exclude that the true slope is zero.
        return "How hard a batch pulls on the weights, noise included. It has levelled off without vanishing."
    return "How hard a batch pulls on the weights. Its noise does not average out, so it seldom comes near zero."
