"""What is told of a loss that has settled: that it has, that it only looks so, that it no longer is as it was.

A notice of severity "info" is no alarm: it says where a run stands, and what may be done. Thresholds are ours.
"""

import math

from ergoscope_contract.answers import Reading
from ergoscope_server.alerts.rule import Facts, Observed, Rule, Settled
from ergoscope_server.indicators.balance import LOW
from ergoscope_server.indicators.numerals import count, plain, with_error
from ergoscope_server.indicators.plateau import LEAVE_P
from ergoscope_server.indicators.verdict import SETTLED

PLATEAU, FALSE_CONVERGENCE, INVARIANCE_BROKEN = "plateau", "false_convergence", "invariance_broken"
SLOW = 0.3  # a balance below it: steps gain far more than curvature takes back
_HINTS = {
    "PLATEAU": "A lower learning rate would tell whether there is more to gain.",
    "PLATEAU-INVARIANT": "At this learning rate it stays there; a lower one may let it fall again.",
    "STATIONARY-POINT": "Hardly any slope is left to follow, so the run may end.",
    "DRIFTING": "The weights are still on their way, so it may move again by itself.",
}
_SHORT = "Steps are short for this curvature, so it may still fall slowly; a larger learning rate would show it."


def settled(facts: Facts) -> Observed | None:
    """Hold when the loss has settled anew, or counts as settled in another way than before."""
    s = facts.settled
    if s is None or not s.news or facts.step is None or s.state not in SETTLED:
        return None
    words = {"since": count(s.since), "level": _level(s), "stands": _stands(s), "hint": _hint(s)}
    return Observed(True, 1.0, 1.0, facts.step, s.since, "plateau_state", words)


def still_falling(facts: Facts) -> Observed | None:
    """Hold when a loss that counts as settled falls for sure, and curvature takes back little of what steps gain.

    The slope by four standard errors, as a run is looked at often, the balance by its 95 % interval. Without either
    there is nothing to say.
    """
    s = facts.settled
    if s is None or facts.step is None or s.state not in SETTLED or s.slope is None or s.balance is None:
        return None
    if s.balance.value is None or s.balance.high is None:
        return None
    words = {"slope": _number(s.slope, turned=True), "balance": _number(s.balance)}
    value = s.balance.value if s.falls else math.nan
    return Observed(s.falls and s.balance.high < SLOW, value, SLOW, facts.step, facts.step, "descent_balance", words)


def left_its_law(facts: Facts) -> Observed | None:
    """Hold when two halves of a plateau are no draws of one distribution, though nothing that is known has changed."""
    s = facts.settled
    if s is None or facts.step is None or s.parted is None:
        return None
    how = "in its spread" if s.means is None else f"from {plain(s.means[0])} to {plain(s.means[1])} on average"
    words = {"since": count(s.since), "how": how}
    return Observed(s.parted < LEAVE_P, s.parted, LEAVE_P, facts.step, facts.step, "window_distance", words)


def _level(s: Settled) -> str:
    return f" at {_number(s.loss)}" if s.loss is not None else ""


def _stands(s: Settled) -> str:
    """Say where the gradient stands and how much of its gain curvature takes back, of what is known."""
    told = []
    if s.gradient is not None:
        noise = "of a minibatch is" if s.gradient.id == "grad_norm_level" else "without noise is"
        told.append(f"The gradient norm {noise} {_share(s.gradient)} of its start")
    if s.balance is not None:
        told.append(f"{'of' if told else 'Of'} what the slope gains curvature takes back {_number(s.balance)}")
    return f" {', and '.join(told)}." if told else ""


def _hint(s: Settled) -> str:
    if s.state == "PLATEAU" and s.balance is not None and s.balance.high is not None and s.balance.high < LOW:
        return _SHORT
    return _HINTS[s.state]


def _share(level: Reading) -> str:
    value, low, high = (100 * (x or 0.0) for x in (level.value, level.low, level.high))
    return f"at most {plain(high, digits=2)} %" if low <= 0 else with_error(value, (high - low) / 2, unit=" %")


def _number(reading: Reading, *, turned: bool = False) -> str:
    value, half = reading.value or 0.0, ((reading.high or 0.0) - (reading.low or 0.0)) / 2
    return with_error(-value if turned else value, half)


NOTICES = (
    Rule(
        id=PLATEAU,
        title="settled",
        severity="info",
        condition=settled,
        persistence=1,  # the verdict has taken two looks that agree
        cooldown=0,
        clock="steps",
        clear=0.8,
        text="The loss has settled{level} since step {since}.{stands} {hint}",
        renews=True,
    ),
    Rule(
        id=FALSE_CONVERGENCE,
        title="still falling",
        severity="info",
        condition=still_falling,
        persistence=2,
        cooldown=1000,
        clock="steps",
        clear=0.8,
        text=(
            "The loss looks level but still falls, by {slope} per 1,000 steps: of what the slope gains curvature takes "
            "back only {balance}. This is slow, not settled."
        ),
        renews=True,
        below=True,
    ),
    Rule(
        id=INVARIANCE_BROKEN,
        title="left its level",
        severity="warn",
        condition=left_its_law,
        persistence=2,
        cooldown=1000,
        clock="steps",
        clear=0.8,
        text=(
            "Since it settled at step {since} the loss has changed, {how}: two halves of these steps differ (p below "
            "0.001, twice), though no change of learning rate or data was told. Have the data changed?"
        ),
        below=True,
    ),
)
