"""Where a run stands besides its loss, in phrases: the gradient, its balance with curvature, the weights."""

from ergoscope_contract.answers import Phrase, State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.balance import LOW
from ergoscope_server.indicators.invariance import FREE, HALF, Invariance
from ergoscope_server.indicators.level import Level
from ergoscope_server.indicators.numerals import plain, with_error
from ergoscope_server.indicators.true_gradient import TrueGradient
from ergoscope_server.indicators.verdict import SETTLED


def gradient(found: Assessment, state: State) -> list[Phrase]:
    """Say where the gradient stands against its start: without noise where that is known, else with it."""
    true = found.true if found.true is not None and found.true.sound else None
    told = true is not None and (state in SETTLED or true.present() or true.level is not None)
    bounded = state == "STATIONARY-POINT" and found.grad is not None and not (true and true.vanished)
    if true is not None and told and not bounded:
        return _without_noise(true, state)
    return [] if found.grad is None else _of_a_batch(found.grad, state)


def _without_noise(true: TrueGradient, state: State) -> list[Phrase]:
    about = "The gradient norm, noise removed, "
    if not true.present() and (state == "PLATEAU" or (true.level is None and not true.vanished)):
        return _not_told(true)
    so = ", so this is no stationary point" if state == "PLATEAU-INVARIANT" else ""
    if true.level is None:
        return [Phrase(f"{about}is {'above zero beyond chance' if true.present() else 'near zero'}{so}. ")]
    value, low, high = (100 * share for share in true.level)
    if low <= 0:
        most = Phrase(f"{plain(high, digits=2)} %", "grad_debiased_level")
        return [Phrase(f"{about}is at most "), most, Phrase(f" of its start{so}. ")]
    number = Phrase(with_error(value, (high - low) / 2, unit=" %"), "grad_debiased_level")
    verb = "stays at" if state in SETTLED else "is at"
    return [Phrase(f"{about}{verb} "), number, Phrase(f" of its start{so}. ")]


def _not_told(true: TrueGradient) -> list[Phrase]:
    told = "Without its noise the gradient cannot be told from zero"
    if true.level is None:
        return [Phrase(f"{told}. ")]
    most = Phrase(f"{plain(100 * true.level[2], digits=2)} %", "grad_debiased_level")
    return [Phrase(f"{told}: it is at most "), most, Phrase(" of its start. ")]


def _of_a_batch(level: Level, state: State) -> list[Phrase]:
    number = Phrase(with_error(100 * level.ratio, 100 * level.half, unit=" %"), "grad_norm_level")
    if state == "STATIONARY-POINT":
        tail = " of its start, sampling noise included, so the true gradient is at most as large. "
        return [Phrase("The gradient norm of a minibatch is down to "), number, Phrase(tail)]
    verb = "stays at " if state in SETTLED else "is at "
    return [
        Phrase(f"The gradient norm of a minibatch {verb}"),
        number,
        Phrase(" of its start; it includes sampling noise. "),
    ]


def balance(found: Assessment, state: State) -> list[Phrase]:
    """Say how much of what the slope gains curvature takes back; not where there is next to no slope."""
    known = found.balance
    if known is None or state == "STATIONARY-POINT":
        return []
    means = ". " if not known.off else ", so the loss still falls. " if known.high < LOW else ", so the loss rises. "
    share = Phrase(with_error(known.value, 1.96 * known.error), "descent_balance")
    return [Phrase("Of what the slope gains, curvature takes back "), share, Phrase(means)]


def weights(found: Assessment) -> list[Phrase]:
    """Say whether the weights keep to a place, wander, or leave."""
    known: Invariance | None = found.invariance
    if known is None or known.wandering is None:
        return []
    walk = known.wandering
    half = HALF * walk.error
    if walk.exponent + half < FREE:
        return [Phrase("The weights keep to a "), Phrase("basin", "inv_weights"), Phrase(". ")]
    if walk.exponent - half <= FREE:
        return []
    verb = "are leaving" if known.departing else "wander on"
    power = Phrase(with_error(walk.exponent, half), "msd_exponent")
    return [Phrase(f"The weights {verb}: their squared distance grows as time to the power "), power, Phrase(". ")]
