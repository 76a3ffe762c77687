"""How much waits to be folded, and when that is too much to take in more.

The size is asked of the log now and then, since in another process only the database knows it. Senders that are told to
wait come back at moments that are spread, or they would all come at once.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from ergoscope_server.gauges import Gauges
from ergoscope_server.store.tidy import Backlog

LOOK_S = 1.0
SOONEST_S, LATEST_S = 3, 9

log = logging.getLogger(__name__)


class FullError(RuntimeError):
    """More waits to be folded than may; the sender keeps its batch and tries again in `wait_s` seconds."""

    def __init__(self, text: str, wait_s: int) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class LogStore(Protocol):
    """What tells the size."""

    def backlog(self) -> Backlog:
        """Give what the logs of all runs hold beyond what is folded."""
        ...


class Pressure:
    """The size of the log that is not folded, against its bound."""

    def __init__(self, store: LogStore, gauges: Gauges, *, most: int, chance: Callable[[], float]) -> None:
        """Hold what it works with.

        Args:
            store: Tells the size.
            gauges: Shows it.
            most: Bytes from which on nothing more is taken.
            chance: Gives numbers in [0, 1), which spread the senders.
        """
        self._store, self._gauges, self._most, self._chance = store, gauges, most, chance
        self._size = 0

    def check(self) -> None:
        """Refuse when too much waits.

        Raises:
            FullError: it does.
        """
        if self._size >= self._most:
            wait = SOONEST_S + int(self._chance() * (LATEST_S - SOONEST_S + 1))
            raise FullError(
                f"{self._size:,} bytes of batches wait to be folded, and at most {self._most:,} may; keep the batch "
                f"and send it again in {wait} s. If this lasts, too few workers run: see `ergoscope work`",
                wait,
            )

    def look(self) -> None:
        """Ask for the size."""
        backlog = self._store.backlog()
        self._size = backlog.size
        self._gauges.show_backlog(runs=backlog.runs, batches=backlog.batches, size=backlog.size, oldest=backlog.oldest)

    async def run(self, *, every_s: float = LOOK_S) -> None:
        """Ask again and again until cancelled; while nobody answers, what was known stands."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception as error:  # whatever it is, it must not end this for good
                log.warning("the size of the log is not known: %s", error)
            await asyncio.sleep(every_s)
