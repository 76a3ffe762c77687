"""The verdict in words: a headline as a colleague would put it, and its evidence, made from the record by rules.

Every number is a phrase of its own that names the catalogue entry it comes from.
"""

from dataclasses import dataclass

from ergoscope_contract.answers import Phrase, State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.balance import LOW
from ergoscope_server.indicators.edge import HIGH, Sharpness
from ergoscope_server.indicators.numerals import count, plain, with_error
from ergoscope_server.indicators.schedule import Change
from ergoscope_server.indicators.slope import Equivalence, Trend
from ergoscope_server.indicators.verdict import SETTLED, Why
from ergoscope_server.indicators.whereabouts import balance, gradient, weights

DRIFT = 0.05  # a smaller change of the learning rate within the window is not worth a sentence
_DISAGREE = {
    "onset": "its level still moves",
    "length": "fewer than 1,000 steps look alike",
    "slope": "a trend cannot be excluded",
    "geweke": "the first tenth of the window has another mean than its last half",
    "windows": "the two halves of the window are distributed differently",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What the sentence is about.

    found: the newest assessment, if any; cause, change, reset: what began the stretch that is judged, and where.
    lr: the learning rate now, if it is logged; waiting: why there is nothing to assess.
    sharpness: its newest readings against the threshold, if any; edge: whether they make it the edge of stability.
    """

    state: State
    why: Why
    since: int | None
    found: Assessment | None
    cause: str = ""
    change: Change | None = None
    reset: int = 0
    lr: float | None = None
    waiting: str = ""
    sharpness: Sharpness | None = None
    edge: bool = False


def headline(s: Situation) -> str:
    """Give the first sentence."""
    if s.state == "WARMUP":
        return "The learning rate is still warming up."
    if s.state == "DESCENDING":
        return "The loss is still falling."
    if s.state == "STATIONARY-POINT":
        return "The loss has settled and the gradient has all but vanished."
    if s.state == "PLATEAU-INVARIANT":
        return "The loss has settled, in equilibrium and not at a stationary point."
    if s.state == "DRIFTING":
        return "The loss is level, but the weights are still on their way."
    return _plateau(s.found) if s.state == "PLATEAU" else _undecided(s)


def _plateau(found: Assessment | None) -> str:
    if found is None or (found.true is None and found.grad is None):
        return "The loss has settled."
    if found.balance is not None and found.balance.high < LOW:
        return "The loss is level, but steps still gain more than curvature takes back."
    if found.true is not None and found.true.sound:
        return "The loss has settled; whether the gradient has vanished cannot be told."
    return "The loss has settled; the minibatch gradient has not vanished." if found.grad else "The loss has settled."


def _undecided(s: Situation) -> str:
    if s.found is None:
        return "Nothing to judge yet: no loss has been logged."
    if s.found.evidence is not None and s.found.evidence.agree:
        return "The loss looks settled; one more look will tell."
    if s.why == "rising":
        return "The loss is rising."
    if s.why == "flat":
        return "The loss looks flat; it is too early to call it settled."
    if s.why == "mixed":
        return "The loss neither falls clearly nor has it settled."
    since = {
        "lr": "the learning rate changed",
        "warmup": "the warm-up ended",
        "resume": "the run was resumed",
        "level": "the loss took another level",
    }
    if s.cause in since:
        return f"Too early to judge: {since[s.cause]} at step {count(s.reset)}."
    return "Too early to judge."


def evidence(s: Situation) -> list[Phrase]:
    """Give the sentences under the headline, number by number."""
    if s.state == "WARMUP":
        rate = [Phrase("It is at "), Phrase(plain(s.lr), "lr"), Phrase(" now. ")] if s.lr is not None else []
        return [*rate, Phrase("Levels and trends are judged once it stops rising.")]
    if s.found is None:
        return []
    if s.found.evidence is None or (s.state == "UNDECIDED" and s.why == "short"):
        told = [*_too_short(s, s.found), *_sharpness(s)]
    else:
        told = [*_loss(s, s.found), *gradient(s.found, s.state)]
        told += [*balance(s.found, s.state), *weights(s.found)] if s.state in SETTLED else []
        told += [*_rate(s.found), *_sharpness(s)]
    return [*told[:-1], Phrase(told[-1].text.rstrip(), told[-1].reading)]


def _too_short(s: Situation, found: Assessment) -> list[Phrase]:
    about = f"Not enough {found.unit} {'since' if s.cause else 'yet'}"
    if s.cause == "lr" and s.change is not None:
        about = f"It went from {plain(s.change.before)} to {plain(s.change.after)}. {about}"
    return [Phrase(f"{about} ({count(found.have)} of {count(found.need)}). ", "loss_mean_ci")]


def _loss(s: Situation, found: Assessment) -> list[Phrase]:
    e = found.evidence
    assert e is not None
    if s.state in SETTLED:
        return [*_level(s, found), *_bound(e.equivalence, e.trend)]
    if s.state == "DESCENDING" or s.why == "rising":
        if e.trend is None:
            return [Phrase("It falls clearly, but not along a line. ", "loss_slope")]
        return _trend(e.trend, found, falls=s.state == "DESCENDING")
    if e.agree:
        return [*_level(s, found), Phrase("All tests agree", "plateau_state"), Phrase("; they must do so twice. ")]
    mean = [] if e.mean is None else [Phrase("Mean "), Phrase(with_error(e.mean.mean, e.mean.half), "loss_mean_ci")]
    span = Phrase(f"{' over' if mean else 'Over'} {count(found.have * found.stride)} steps: ")
    if s.why == "mixed":
        told = [_DISAGREE[name] for name in e.failed if name in _DISAGREE]
        return [*mean, span, Phrase(f"{', and '.join(told) or 'the tests disagree'}. ", "plateau_state")]
    if e.equivalence is None or e.equivalence.allowed <= 0:
        return [*mean, span, Phrase(f"not enough yet ({count(found.have)} of {count(found.need)}). ", "loss_slope")]
    share = plain(e.equivalence.percent, digits=2)
    counted = f"{count(found.have)} of about {plain(found.need, digits=2)} {found.unit}"
    tail = f" per 1,000 steps cannot be excluded yet ({counted}). "
    return [*mean, span, Phrase("a trend of up to "), Phrase(f"{share} %", "loss_slope"), Phrase(tail)]


def _level(s: Situation, found: Assessment) -> list[Phrase]:
    e = found.evidence
    assert e is not None
    since = [] if s.since is None else [Phrase(" since step "), Phrase(count(s.since), "stabilization_onset")]
    if e.mean is None:
        return [
            Phrase("Loss "),
            Phrase(plain(e.average, digits=4), "plateau_state"),
            *since,
            Phrase(", within 0.5 %. "),
        ]
    looks = [Phrase(" ("), Phrase(count(e.correlation.ess), "ess"), Phrase(" independent readings). ")]
    return [Phrase("Loss "), Phrase(with_error(e.mean.mean, e.mean.half), "loss_mean_ci"), *since, *looks]


def _bound(same: Equivalence | None, trend: Trend | None) -> list[Phrase]:
    if same is None or trend is None or same.allowed <= 0:
        return []
    share = plain(same.percent, digits=2)
    return [Phrase("Any trend left is below "), Phrase(f"{share} %", "loss_slope"), Phrase(" per 1,000 steps. ")]


def _trend(trend: Trend, found: Assessment, *, falls: bool) -> list[Phrase]:
    scale = 1000 / found.stride
    if abs(trend.slope) < trend.half or (trend.slope < 0) != falls:
        change = with_error(trend.slope * scale, trend.half * scale)
        tail = f" per 1,000 steps over the last {count(trend.n * found.stride)}, which no longer tells a direction. "
        return [Phrase("It changes by "), Phrase(change, "loss_slope"), Phrase(tail)]
    number = with_error(abs(trend.slope) * scale, trend.half * scale)
    verb = "falls" if falls else "rises"
    last = f" per 1,000 steps, over the last {count(trend.n * found.stride)}. "
    return [Phrase(f"It {verb} by "), Phrase(number, "loss_slope"), Phrase(last)]


def _rate(found: Assessment) -> list[Phrase]:
    if abs(found.drift) < DRIFT:
        return []
    way = "fell" if found.drift < 0 else "rose"
    share = Phrase(f"{plain(100 * abs(found.drift), digits=2)} %", "lr")
    return [Phrase(f"The learning rate {way} by "), share, Phrase(" over these steps. ")]


def _sharpness(s: Situation) -> list[Phrase]:
    if s.sharpness is None:
        told = Phrase("the edge of stability", "batch_sharpness_ratio")
        return [Phrase("Along their own steps batches are curved as much as SGD holds: "), told, Phrase(". ")] * s.edge
    means = ": the edge of stability. " if s.edge else ", which does not last. " if s.sharpness.value > HIGH else ". "
    ratio = Phrase(plain(s.sharpness.value), "sharpness_ratio")
    return [Phrase("The sharpness is at "), ratio, Phrase(f" of what the optimizer holds{means}")]
