"""What state a run is in: proposals from the tests, persistence, and resets.

The states, decided in this order: WARMUP while the learning rate rises from its start. When onset, slope, Geweke and
window tests agree that the loss has settled, one of four:

    STATIONARY-POINT   the gradient without noise is below 5 % of its highest, its interval below 10 %
    DRIFTING           the weights go away from where they have been, at least as a free walk does
    PLATEAU-INVARIANT  the gradient without noise is above zero beyond chance, and nothing says that it is not balanced
    PLATEAU            none of these can be told

DESCENDING when the slope's interval is below zero. UNDECIDED otherwise, with the reason.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ergoscope_contract.answers import Spell, State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.spells import paint

Why = Literal["", "short", "flat", "mixed", "rising"]
AGREE = 2  # evaluations in a row that must propose a state
SETTLED = ("PLATEAU", "PLATEAU-INVARIANT", "STATIONARY-POINT", "DRIFTING")


class Standing(Struct, frozen=True):
    """The state now, why it is undecided, since when it lasts, and the proposal that waits to be confirmed."""

    state: State = "UNDECIDED"
    why: Why = "short"
    since: int | None = None
    candidate: State = "UNDECIDED"
    agreed: int = 0


def propose(found: Assessment, current: State) -> tuple[State, Why]:
    """Give the state that one assessment speaks for.

    Entering a plateau takes all tests; leaving it takes a trend that matters, or a difference between stretches of the
    window that is far beyond chance, so that a settled run does not flicker at the 5 % of each test. A jump passes for
    memory, by which no test can speak; then the memory of before the jump counts.
    """
    e = found.evidence
    if e is None:
        return "UNDECIDED", "short"
    if e.agree or (current in SETTLED and not (e.broken or found.left)):
        return settled_as(found, current), ""
    if e.falling:
        return "DESCENDING", ""
    if e.rising:
        return "UNDECIDED", "rising"
    if e.trend is None or found.have < found.need:
        return "UNDECIDED", "flat" if e.trend is not None else "short"
    return "UNDECIDED", "mixed"


def settled_as(found: Assessment, current: State) -> State:
    """Give the state of a run whose loss has settled.

    Where the gradient without noise cannot tell, the gradient of a minibatch may: on average its square is at least as
    large, so a small one bounds the true one. Where neither can, the weights and the loss alone speak.
    """
    true = found.true if found.true is not None and found.true.sound else None
    present = true is not None and true.present(before=current == "PLATEAU-INVARIANT")
    if (true is not None and true.vanished) or (found.vanished and not present):
        return "STATIONARY-POINT"
    if found.invariance is not None and found.invariance.departing:
        return "DRIFTING"
    unbalanced = found.balance is not None and found.balance.off
    return "PLATEAU-INVARIANT" if true and present and not true.small and not unbalanced else "PLATEAU"


def settle(standing: Standing, found: Assessment) -> Standing:
    """Take one assessment into account; a state changes when two in a row propose the same one."""
    state, why = propose(found, standing.state)
    if state == standing.state:
        return replace(standing, why=why, candidate=state, agreed=0)
    alike = state == standing.candidate or (
        standing.state not in SETTLED and {state, standing.candidate} <= set(SETTLED)
    )
    agreed = standing.agreed + 1 if alike else 1
    if agreed < AGREE:
        return replace(standing, candidate=state, agreed=agreed)
    # That the loss has settled was said twice; as what, only once where the two looks differ.
    sure: State = state if state == standing.candidate else "PLATEAU"
    return Standing(sure, why, _since(standing, state, found), state, int(sure != state))


def _since(standing: Standing, state: State, found: Assessment) -> int | None:
    if state in SETTLED:
        return standing.since if standing.state in SETTLED else found.first_step
    return found.window_step if state == "DESCENDING" else None


def joined(standing: Standing, spells: list[Spell], *, reset: int = 0) -> Standing:
    """Let a plateau that was in doubt for a while count from where the ribbon has it, but not from before a reset."""
    if standing.state not in SETTLED or standing.since is None:
        return standing
    for spell in reversed([spell for spell in spells if spell.last >= reset]):
        if spell.state in SETTLED and spell.last >= standing.since - 1:
            return replace(standing, since=max(reset, min(standing.since, spell.first)))
        if spell.state not in _OPEN or spell.first < standing.since:
            break
    return standing


def ribbon(
    spells: list[Spell], standing: Standing, *, flag: str, flagged_from: int, first: int, last: int
) -> list[Spell]:
    """Paint the newest steps: a flag before the state.

    What two evaluations establish is true of the stretch they looked at, so a state reaches back to where it began:
    a plateau to its onset, a descent over the steps that were too few to say.

    Args:
        spells: The ribbon so far.
        standing: The state now.
        flag: The gravest flag, or "".
        flagged_from: First step the flag is known for.
        first: First step since the last reset.
        last: Newest step.
    """
    if flag:
        return paint(spells, flag, first=flagged_from, last=last, over=_STATES)
    begin = max(first, standing.since) if standing.since is not None else last
    if not spells:
        begin = first
    over = _OVER.get(standing.state, ())
    return paint(spells, standing.state, first=min(begin, last), last=last, over=over)


_OPEN: tuple[State, ...] = ("UNDECIDED", "DESCENDING")
_TOLD: tuple[State, ...] = (*_OPEN, "PLATEAU")  # what a plateau is, is told of all of it
_OVER: dict[State, tuple[State, ...]] = {
    "DESCENDING": ("UNDECIDED",),
    "PLATEAU": _OPEN,
    "PLATEAU-INVARIANT": _TOLD,
    "STATIONARY-POINT": _TOLD,
    "DRIFTING": _TOLD,
}
_STATES = ("UNDECIDED", "WARMUP", "DESCENDING", "PLATEAU", "PLATEAU-INVARIANT", "STATIONARY-POINT", "DRIFTING")
