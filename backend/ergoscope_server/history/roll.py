"""Which ranks of a running job are silent or lag behind the others: what is told of it, and when.

A rank is silent when it has sent nothing for its patience (ten seconds, or four of its usual gaps), counted to the
newest batch of any rank: when all are silent, so is the run, and no rank is. A rank lags when it is behind the foremost
by more steps than the run makes in that same patience, as what it tells may be that old, and by more than LEAST_STEPS;
it has caught up when it is behind by half as many. Each change is told once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from ergoscope_contract.answers import RankSummary
from ergoscope_contract.records import Event
from ergoscope_server.alerts.rule import Missing
from ergoscope_server.history.silence import LEAST_S
from ergoscope_server.indicators.numerals import count, ranks

LEAST_STEPS = 2.0  # what one batch tells may be a step or two older than what another does, however slow the steps
ENDED = ("finished", "failed", "crashed")
Trouble = Literal["silent", "lags"]


class Told(Struct, frozen=True):
    """What was told of a rank: its trouble, and when it had been heard of last, Unix seconds."""

    trouble: Trouble
    seen: float


class Roll(Struct, frozen=True, omit_defaults=True):
    """What was told of the ranks of an attempt, by rank; those without trouble are not listed."""

    attempt: int = -1
    told: dict[int, Told] = field(default_factory=dict)

    def named(self, trouble: Trouble) -> list[int]:
        """Give the ranks that have a trouble."""
        return sorted(rank for rank, told in self.told.items() if told.trouble == trouble)


def call(
    roll: Roll, present: Sequence[RankSummary], *, now: float, first: float, step_s: float | None
) -> tuple[Roll, list[Event]]:
    """Look at the ranks of a running job.

    Args:
        roll: What was told of them.
        present: How each stands.
        now: Unix seconds.
        first: When they were looked at first, so that a pause of the service is none of a rank.
        step_s: Seconds that a step of the run takes; None while that is not known, when no rank lags.

    Returns:
        What is told of them now, and the events that tell it.
    """
    attempt = max((rank.attempt for rank in present), default=-1)
    before = roll.told if attempt == roll.attempt else {}
    newest = max((rank.last_seen for rank in present if rank.status not in ENDED), default=0.0)
    after = {
        rank.rank: told
        for rank in present
        if (told := _told(rank, before.get(rank.rank), newest=newest, first=first, step_s=step_s)) is not None
    }
    return Roll(attempt, after), _events({rank.rank: rank for rank in present}, before, after, now=now, step_s=step_s)


def missing(roll: Roll, present: Sequence[RankSummary], *, first: float) -> Missing:
    """Give the silent ranks as the rules see them: one may be silent for half a minute, or its patience.

    Args:
        roll: What is told of the ranks.
        present: How each stands.
        first: As in `call`.
    """
    silent = set(roll.named("silent"))
    newest = max((rank.last_seen for rank in present if rank.status not in ENDED), default=0.0)
    gone = {rank: newest - max(rank.last_seen, first) for rank in present if rank.rank in silent}
    named = [rank for rank, seconds in gone.items() if seconds > max(LEAST_S, rank.patience)] or list(gone)
    if not named:
        return Missing(limit=LEAST_S)
    longest = max(named, key=lambda rank: gone[rank] - max(LEAST_S, rank.patience))
    return Missing(
        ranks=[rank.rank for rank in named],
        seconds=gone[longest],
        limit=max(LEAST_S, longest.patience),
        last_step=max((rank.last_step for rank in named if rank.last_step is not None), default=None),
        others=_going_on(present, silent),
    )


def _told(rank: RankSummary, before: Told | None, *, newest: float, first: float, step_s: float | None) -> Told | None:
    if rank.status in ENDED:
        return None
    was_silent, lagged = (before is not None and before.trouble == trouble for trouble in ("silent", "lags"))
    if was_silent and before is not None and rank.last_seen <= before.seen:
        return before
    if newest - max(rank.last_seen, first) > rank.patience:
        return Told("silent", rank.last_seen)
    if step_s is not None and (rank.behind or 0) > max(LEAST_STEPS, rank.patience / step_s) * (0.5 if lagged else 1.0):
        return before if lagged else Told("lags", rank.last_seen)
    return None


def _events(
    present: Mapping[int, RankSummary],
    before: Mapping[int, Told],
    after: Mapping[int, Told],
    *,
    now: float,
    step_s: float | None,
) -> list[Event]:
    """Give one event for the ranks that changed alike."""
    changes: dict[str, list[RankSummary]] = {}
    for number, rank in present.items():
        was, now_is = (found[number].trouble if number in found else "" for found in (before, after))
        if was != now_is:
            over = rank.status if rank.status in ENDED else "back" if was == "silent" else "caught up"
            changes.setdefault(now_is or over, []).append(rank)
    others = _going_on(present.values(), after)
    return [_event(change, some, others, now=now, step_s=step_s or 0.0) for change, some in changes.items()]


def _event(change: str, some: Sequence[RankSummary], others: int, *, now: float, step_s: float) -> Event:
    numbers = [rank.rank for rank in some]
    step = max((rank.last_step for rank in some if rank.last_step is not None), default=None)
    one, rest = len(some) == 1, f"{others} other{'s go' if others != 1 else ' goes'} on"
    at = f" at step {count(step)}" if step is not None else ""
    if change == "silent":
        ago = count(now - max(rank.last_seen for rank in some))
        since = f"since step {count(step)}, {ago} s ago" if step is not None else f"for {ago} s"
        said = f"{'is' if one else 'are'} silent {since}; {rest}"
    elif change == "lags":
        behind = max(rank.behind or 0 for rank in some)
        said = f"{'lags by' if one else 'lag by up to'} {count(behind)} steps, {count(behind * step_s)} s; {rest}"
    elif change == "back":
        said = f"{'is' if one else 'are'} back{at}"
    elif change == "caught up":
        said = f"{'has' if one else 'have'} caught up{at}"
    else:
        said = f"{change}{at}"
    return Event("rank", now, step, f"{ranks(numbers)} {said}", {"ranks": numbers, "now": change})


def _going_on(present: Iterable[RankSummary], troubled: Iterable[int]) -> int:
    apart = set(troubled)
    return sum(rank.status not in ENDED and rank.rank not in apart for rank in present)
