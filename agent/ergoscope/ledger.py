"""The steps whose measurements are still on their way, written out in order when they have arrived."""

from collections import deque
from collections.abc import Callable

from ergoscope.findings import Findings
from ergoscope.probes.probe import Sheet
from ergoscope.schedule import Charge
from ergoscope.writer import Writer

_IN_FLIGHT = 256  # steps; a device that far behind is waited for
_TOGETHER = 16  # steps that are written together at most: one cold start of this code for all of them
_HELD_S = 0.05  # seconds after which a step is written alone


class Ledger:
    """Keeps one page a step: opened when the first optimizer steps, closed when it steps again.

    In between the other optimizers add their sheets; of several of one optimizer the last counts.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        charge: Charge,
        clock: Callable[[], float],
        look: Callable[[Findings], None] = lambda _: None,
    ) -> None:
        """Write to `writer`; `charge` books the time that reading takes for each task; `look` sees what is written."""
        self._look = look
        self._writer = writer
        self._charge = charge
        self._clock = clock
        self._open: tuple[Findings, dict[int, Sheet]] | None = None
        self._closed: deque[tuple[Findings, dict[int, Sheet]]] = deque()
        self._since = 0.0  # when the oldest closed page was opened

    def turn(self, findings: Findings | None, now: float) -> None:
        """Close the open page and open a new one; now and then write what has arrived.

        Pages wait until 16 are closed or the oldest is 50 ms old, so that many short steps are written at once.

        Args:
            findings: The new page; None for a step without measurements.
            now: Seconds of the clock.
        """
        if self._open is not None:
            self._closed.append(self._open)
        closed = len(self._closed)
        if closed and (closed >= _TOGETHER or now - self._since >= _HELD_S):
            self._write(wait=False)
            closed = 0
        if not closed:
            self._since = now
        self._open = (findings, {}) if findings is not None else None

    def add(self, optimizer: int, sheet: Sheet) -> None:
        """Put an optimizer's sheet on the open page."""
        if self._open is not None:
            self._open[1][optimizer] = sheet

    def finish(self) -> None:
        """Close the open page and write everything, waiting for what is on its way."""
        if self._open is not None:
            self._closed.append(self._open)
            self._open = None
        self._write(wait=True)

    def _write(self, *, wait: bool) -> None:
        while self._closed:
            findings, sheets = self._closed[0]
            late = not all(sheet.ready() for sheet in sheets.values())
            if late and not wait and len(self._closed) < _IN_FLIGHT:
                return
            self._closed.popleft()
            for sheet in sheets.values():
                sheet.read(findings, charge=self._charge, clock=self._clock)
            start = self._clock()
            findings.settle()
            self._writer.write(findings)
            self._look(findings)
            self._charge(0, self._clock() - start, "write")
