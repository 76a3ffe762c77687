"""Which steps a run's charts show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ergoscope_contract.answers import Mark, RunSummary
from ergoscope_ui.address import Address
from ergoscope_ui.curve import Curve
from ergoscope_ui.figures.axes import grow
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.theme import Palette

ALIVE = ("running", "silent")


@dataclass(frozen=True, slots=True)
class Extent:
    """The step axis common to a page's charts; `open_end` when new points belong on it."""

    first: int
    last: int
    open_end: bool

    def frame(self, palette: Palette, *, unit: str, marks: Sequence[Mark] = ()) -> Frame:
        """What a chart of this extent shows apart from its data; marks outside are left out."""
        inside = tuple(mark for mark in marks if self.first <= mark.step <= self.last)
        return Frame(palette, unit, first=self.first, last=self.last, open_end=self.open_end, marks=inside)


def extent(runs: Iterable[RunSummary], curves: Iterable[Curve], held: Address) -> Extent:
    """The axis for some runs: what the address holds it to, else from the first step to the end.

    While a run lives the end has room to grow; the axis of ended runs ends with them.
    """
    runs, drawn = list(runs), [curve for curve in curves if curve.size]
    alive = any(run.status in ALIVE for run in runs)
    newest = max([int(curve.last[-1]) for curve in drawn] + [run.last_step or 0 for run in runs], default=0)
    oldest = min((int(curve.first[0]) for curve in drawn), default=0)
    first = held.first if held.first is not None else (0 if oldest <= 1 else oldest)
    if held.last is not None:
        return Extent(first=first, last=max(held.last, first + 1), open_end=False)
    end = grow(newest) if alive else newest
    return Extent(first=first, last=max(end, first + 1), open_end=alive)
