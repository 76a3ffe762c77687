"""How often each quantity is taken, and why not at every step: as the agent's own events tell it."""

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from msgspec.structs import replace

from ergoscope_contract.records import Event, JsonObject
from ergoscope_ui.titles import title
from ergoscope_ui.words import count, duration, number


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a quantity is taken now.

    period: steps from one measurement to the next; usual: the same at the start of the run.
    cost: seconds that one measurement takes; clean_step: seconds of a step without the agent.
    budget: share of a step that all measurements together may take.
    since: the step of the last change; None when the event has none.
    rank: whose word this is in a job of several ranks.
    """

    period: int
    usual: int
    cost: float
    clean_step: float
    budget: float
    since: int | None = None
    rank: int | None = None

    @property
    def thinned(self) -> bool:
        """Whether it is taken more rarely than it would be for nothing."""
        return self.period > max(1, self.usual)


@dataclass(frozen=True, slots=True)
class Gap:
    """Steps between which rows were given up, since the job's memory for what is not sent yet was full."""

    first: int
    last: int
    rows: int


@dataclass(frozen=True, slots=True)
class News:
    """What the events of a run tell of its series: by catalogue id how often it is taken and how; and the gaps.

    remarks: the agent's last word on a quantity. absent: those of which that says why they are not measured.
    ways: how a quantity of the curvature is measured.
    """

    cadences: Mapping[str, Cadence] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    absent: Container[str] = ()
    ways: Mapping[str, str] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()

    def cadence(self, key: str) -> Cadence | None:
        """How often the quantity of a series is taken; None when nothing was said of it."""
        return self.cadences.get(key.partition("/")[0])

    def remark(self, key: str) -> str:
        """What the agent says of a quantity; empty when it says nothing."""
        return self.remarks.get(key.partition("/")[0], "")

    def way(self, key: str) -> str:
        """How a quantity of the curvature is measured: there is more than one way, and not all are exact.

        Empty when nothing was said of it, and once it is measured no more.
        """
        return "" if self.obstacle(key) else self.ways.get(key.partition("/")[0], "")

    def obstacle(self, key: str) -> str:
        """Why a quantity is not measured, as the agent says it; empty when it says nothing of that."""
        return self.remark(key) if key.partition("/")[0] in self.absent else ""


def news(events: Sequence[Event]) -> News:
    """Read the events of a run, in order of arrival; what was said before it was resumed last is said no more."""
    begun = next((i for i, event in reversed(list(enumerate(events))) if event.kind == "resume"), 0)
    said = [(name, event) for event in events[begun:] if event.kind == "agent" for name in _names(event.data)]
    absent = {name for name, event in dict(said).items() if event.data.get("absent") is True}
    ways = {name: str(event.data["how"]) for name, event in said if "how" in event.data}
    return News(cadences(events), {name: event.text for name, event in said}, absent, ways, gaps(events))


def cadences(events: Iterable[Event]) -> dict[str, Cadence]:
    """The newest word on each quantity, by catalogue id; a resumed run begins anew. Events in order of arrival.

    Of several ranks the one counts that takes it most rarely: what is made of all of them comes no more often.
    """
    found: dict[tuple[int | None, str], Cadence] = {}
    for event in events:
        if event.kind == "resume":
            found.clear()
        told = _told(event) if event.kind == "thinned" else None
        if told is None:
            continue
        for quantity in _names(event.data):
            known = found.get((told.rank, quantity))
            usual = told.usual if known is None else known.usual
            found[told.rank, quantity] = dataclasses.replace(told, usual=usual, since=event.step)
    rarest: dict[str, Cadence] = {}
    for (_, quantity), cadence in found.items():
        if quantity not in rarest or cadence.period > rarest[quantity].period:
            rarest[quantity] = cadence
    return rarest


def gaps(events: Iterable[Event]) -> list[Gap]:
    """Where rows were given up in the job, each with how many."""
    found = []
    for event in events:
        values = [_value(event.data, name) for name in ("first", "last", "rows")]
        if event.kind == "agent" and "factor" in event.data and None not in values:
            first, last, rows = (int(value or 0) for value in values)
            found.append(Gap(first, last, rows))
    return found


def reasons(cadence: Cadence | None) -> str:
    """Why a quantity is not taken at every step; empty when it is taken as often as it may be.

    Example:
        >>> reasons(Cadence(period=16, usual=1, cost=0.0031, clean_step=0.02, budget=0.02))
        'every 16 steps: one takes 3.1 ms, the budget is 2 %'
    """
    if cadence is None or not cadence.thinned:
        return ""
    budget = number(100 * cadence.budget, digits=2)
    where = "" if cadence.rank is None else f" on rank {cadence.rank}"
    return f"every {count(cadence.period)} steps: one takes {duration(cadence.cost)}{where}, the budget is {budget} %"


def whole_reasons(cadence: Cadence | None) -> str:
    """The same with what it rests on, for those who point at it."""
    if cadence is None or not cadence.thinned:
        return ""
    since = "" if cadence.since is None else f", since step {count(cadence.since)}"
    usual = "every step" if cadence.usual <= 1 else f"every {count(cadence.usual)} steps"
    share = number(100 * cadence.budget, digits=2)
    return (
        f"Taken every {count(cadence.period)} steps{since}; where it costs little enough, {usual}. "
        f"A step of the training takes {duration(cadence.clean_step)}, and everything that is measured together "
        f"may take {share} % of that, {duration(cadence.budget * cadence.clean_step)}."
    )


def folded(events: Iterable[Event]) -> list[Event]:
    """The events with those joined that tell of one step's changes of what a rank takes how often: read at once.

    Each quantity's own cost is at the foot of its chart.
    """
    found: list[Event] = []
    for (thinned, *_), some in groupby(events, key=lambda e: (e.kind == "thinned", e.step, _value(e.data, "rank"))):
        together = list(some)
        found += [_joined(together)] if thinned and len(together) > 1 and all(map(_told, together)) else together
    return found


def _joined(events: Sequence[Event]) -> Event:
    """Changes of one step as one event: which quantities are taken every how many steps now."""
    groups: dict[int, list[str]] = {}
    share = 0.0, 0.0
    for told, event in [(told, event) for event in events if (told := _told(event)) is not None]:
        groups.setdefault(told.period, []).extend(_names(event.data))
        share = 100 * told.budget, told.budget * told.clean_step
    parts = [f"every {'step' if n == 1 else f'{count(n)} steps'}: {_titles(groups[n])}" for n in sorted(groups)]
    limit = f"All that is measured may take {number(share[0], digits=2)} % of a step, {duration(share[1])}"
    return replace(events[-1], text=f"{limit}. From now on {'; '.join(parts)}.")


def _titles(quantities: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(title(quantity) for quantity in quantities))


def _told(event: Event) -> Cadence | None:
    names = ("period", "before", "cost", "clean_step", "budget")
    period, before, cost, clean_step, budget = (_value(event.data, name) for name in names)
    if period is None or before is None or cost is None or clean_step is None or budget is None:
        return None  # another version's event: its text in the list of events says the rest
    rank = _value(event.data, "rank")
    return Cadence(int(period), int(before), cost, clean_step, budget, rank=None if rank is None else int(rank))


def _names(data: Mapping[str, object]) -> list[str]:
    told = data.get("quantities")
    return [str(name) for name in told] if isinstance(told, list) else []


def _value(data: JsonObject, name: str) -> float | None:
    value = data.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
