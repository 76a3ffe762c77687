"""The ribbon: a run's life as stretches of one state each, without gaps."""

from collections.abc import Collection

from ergoscope_contract.answers import Spell

LIMIT = 400  # spells kept; past it the shortest joins its neighbour


def paint(spells: list[Spell], state: str, *, first: int, last: int, over: Collection[str] = ()) -> list[Spell]:
    """Say that the run was in `state` from `first` to `last`, the newest step.

    Earlier spells give way only when their state is in `over`: later evidence may speak about steps that were open at
    the time. Otherwise the new spell begins where the last one ended, so that the ribbon has no gap.

    Args:
        spells: What is known so far, in step order.
        state: The state to paint.
        first: First step the state is known for.
        last: Newest step.
        over: States that may be painted over.
    """
    kept = list(spells)
    while kept and kept[-1].state in over and kept[-1].first >= first:
        kept.pop()
    if kept and kept[-1].state in over and kept[-1].last >= first and kept[-1].state != state:
        kept[-1] = Spell(kept[-1].state, kept[-1].first, first - 1)
    if kept and kept[-1].state == state:
        kept[-1] = Spell(state, kept[-1].first, max(last, kept[-1].last))
    else:
        begin = kept[-1].last + 1 if kept else first
        if begin > last:
            return _bounded(kept)
        kept.append(Spell(state, begin, last))
    return _bounded(kept)


def cut(spells: list[Spell], *, after: int) -> list[Spell]:
    """Forget what came after a step: a run that resumes from a checkpoint lives that part again."""
    return [s if s.last <= after else Spell(s.state, s.first, after) for s in spells if s.first <= after]


def _bounded(spells: list[Spell]) -> list[Spell]:
    if len(spells) <= LIMIT:
        return spells
    shortest = min(range(1, len(spells) - 1), key=lambda i: spells[i].last - spells[i].first)
    before = spells[shortest - 1]
    joined = Spell(before.state, before.first, spells[shortest].last)
    return [*spells[: shortest - 1], joined, *spells[shortest + 1 :]]
