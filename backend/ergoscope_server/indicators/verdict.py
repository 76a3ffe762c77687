"""What state a run is in: proposals from the tests, persistence, and resets.

The states, decided in this order: WARMUP while the learning rate rises from its start. PLATEAU when onset, slope,
Geweke and window tests agree, and STATIONARY-POINT when besides the minibatch gradient is small against its highest.
DESCENDING when the slope's interval is below zero. UNDECIDED otherwise, with the reason. The states that rest on the
debiased gradient, the balance or distances between weight sketches are not given yet, although what they are worked out
from is measured.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ergoscope_contract.answers import Spell, State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.spells import paint

Why = Literal["", "short", "flat", "mixed", "rising"]
AGREE = 2  # evaluations in a row that must propose a state
SETTLED = ("PLATEAU", "STATIONARY-POINT")


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
    window that is far beyond chance, so that a settled run does not flicker at the 5 % of each test.
    """
    e = found.evidence
    if e is None:
        return "UNDECIDED", "short"
    if e.agree or (current in SETTLED and not e.broken):
        return ("STATIONARY-POINT" if found.vanished else "PLATEAU"), ""
    if e.falling:
        return "DESCENDING", ""
    if e.rising:
        return "UNDECIDED", "rising"
    if e.trend is None or found.have < found.need:
        return "UNDECIDED", "flat" if e.trend is not None else "short"
    return "UNDECIDED", "mixed"


def settle(standing: Standing, found: Assessment) -> Standing:
    """Take one assessment into account; a state changes when two in a row propose the same one."""
    state, why = propose(found, standing.state)
    if state == standing.state:
        return replace(standing, why=why, candidate=state, agreed=0)
    agreed = standing.agreed + 1 if state == standing.candidate else 1
    if agreed < AGREE:
        return replace(standing, candidate=state, agreed=agreed)
    return Standing(state, why, _since(standing, state, found), state, 0)


def _since(standing: Standing, state: State, found: Assessment) -> int | None:
    if state in SETTLED:
        return standing.since if standing.state in SETTLED else found.first_step
    return found.window_step if state == "DESCENDING" else None


def joined(standing: Standing, spells: list[Spell]) -> Standing:
    """Let a plateau that was in doubt for a while count from where the ribbon has it."""
    if standing.state not in SETTLED or standing.since is None:
        return standing
    for spell in reversed(spells):
        if spell.state == standing.state and spell.last >= standing.since - 1:
            return replace(standing, since=min(standing.since, spell.first))
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
    over = {"PLATEAU": _OPEN, "STATIONARY-POINT": _OPEN, "DESCENDING": ("UNDECIDED",)}.get(standing.state, ())
    return paint(spells, standing.state, first=min(begin, last), last=last, over=over)


_OPEN = ("UNDECIDED", "DESCENDING")
_STATES = ("UNDECIDED", "WARMUP", "DESCENDING", "PLATEAU", "PLATEAU-INVARIANT", "STATIONARY-POINT", "DRIFTING")
