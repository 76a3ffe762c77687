"""The run's life in one line: where each state begins and ends, and where the marks stand, in percent of its width."""

from collections.abc import Sequence
from dataclasses import dataclass

from ergoscope_contract.answers import Mark, Spell
from ergoscope_ui.words import state_role


@dataclass(frozen=True, slots=True)
class Stretch:
    """One piece of the ribbon: colour role, state, first and last step, left edge and width in percent."""

    role: str
    state: str
    first: int
    last: int
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Sign:
    """A mark under the ribbon: its place in percent, and whether its words fit beside its neighbours'."""

    mark: Mark
    left: float
    worded: bool


def stretches(spells: Sequence[Spell], *, end: int) -> list[Stretch]:
    """Cut the ribbon from step 0 to `end` into spells; what no spell covers is drawn as warm-up grey.

    Example:
        >>> [(s.role, s.width) for s in stretches([Spell("WARMUP", 0, 24), Spell("DESCENDING", 25, 100)], end=100)]
        [('warm', 25.0), ('descend', 75.0)]
    """
    end = max(end, 1)
    ordered = sorted(spells, key=lambda spell: spell.first)
    pieces = []
    for index, spell in enumerate(ordered):
        start = 0 if index == 0 else spell.first
        stop = ordered[index + 1].first if index + 1 < len(ordered) else end
        left, right = 100 * min(start, end) / end, 100 * min(max(stop, start), end) / end
        pieces.append(
            Stretch(
                role=state_role(spell.state),
                state=spell.state,
                first=spell.first,
                last=spell.last,
                left=round(left, 3),
                width=round(right - left, 3),
            )
        )
    return pieces


def signs(marks: Sequence[Mark], *, end: int, room: float = 12.0) -> list[Sign]:
    """Place marks; one keeps its words when the next is `room` percent away and it does not run into the end."""
    end = max(end, 1)
    placed = sorted((mark for mark in marks if 0 <= mark.step <= end), key=lambda mark: mark.step)
    found = []
    free_from = -1.0
    for index, mark in enumerate(placed):
        left = 100 * mark.step / end
        following = 100 * placed[index + 1].step / end if index + 1 < len(placed) else 100.0
        worded = left >= free_from and following - left >= room and left <= 100 - room - 8
        free_from = left + (room if worded else 1.5)
        found.append(Sign(mark=mark, left=round(left, 3), worded=worded))
    return found
