"""Pages: written in order, when they have arrived, many short ones at once."""

from functools import partial

import torch

from ergoscope.findings import Findings
from ergoscope.ledger import Ledger
from ergoscope.probes.probe import Reading, Sheet
from ergoscope.writer import Writer
from tests.agent.memory_outlet import MemoryOutlet


class LateSheet(Sheet):
    """A sheet whose numbers arrive when told."""

    def __init__(self, value: float, *, late: bool) -> None:
        reading = Reading([value], partial(read))
        super().__init__([(0, reading)], torch.device("cpu"))
        self.late = late

    def ready(self) -> bool:
        return not self.late


def read(values: list[float], findings: Findings) -> None:
    findings.scalars["x"] = values[0]


def ledger(outlet: MemoryOutlet) -> Ledger:
    return Ledger(Writer(outlet), charge=lambda task, seconds, part: None, clock=lambda: 0.0)


def test_long_steps_are_written_one_by_one() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)

    written = []
    for step in range(4):
        pages.turn(Findings(step, {"loss": 1.0}), now=float(step))
        written.append(len(outlet.rows))

    assert written == [0, 1, 2, 3]


def test_short_steps_are_written_together_and_none_is_held_long() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)

    written = []
    for step in range(100):
        pages.turn(Findings(step, {"loss": 1.0}), now=0.01 * step)
        written.append(len(outlet.rows))

    assert list(outlet.series("loss")) == list(range(written[-1]))
    assert all(step - done <= 6 for step, done in enumerate(written))
    assert len(set(written)) < 30


def test_no_more_than_sixteen_wait() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)

    for step in range(33):
        pages.turn(Findings(step, {"loss": 1.0}), now=0.0)

    assert len(outlet.rows) == 32


def test_what_is_late_holds_back_what_comes_after_it() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)
    late = LateSheet(7.0, late=True)

    pages.turn(Findings(1, {}), now=0.0)
    pages.add(0, late)
    pages.turn(Findings(2, {"loss": 1.0}), now=1.0)
    pages.turn(Findings(3, {"loss": 1.0}), now=2.0)
    before = list(outlet.rows)
    late.late = False
    pages.turn(None, now=3.0)

    assert before == []
    assert [step for step, _ in outlet.rows] == [1, 2, 3]
    assert outlet.series("x") == {1: 7.0}


def test_finish_waits_for_everything() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)
    pages.turn(Findings(1, {}), now=0.0)
    pages.add(0, LateSheet(7.0, late=True))

    pages.finish()
    pages.finish()

    assert outlet.series("x") == {1: 7.0}


def test_a_sheet_without_a_page_is_dropped() -> None:
    outlet = MemoryOutlet()
    pages = ledger(outlet)
    pages.turn(None, now=0.0)

    pages.add(0, LateSheet(7.0, late=False))
    pages.finish()

    assert outlet.rows == []
