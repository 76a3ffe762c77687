"""The bus inside one process."""

import asyncio
from collections.abc import Set
from threading import Lock

from ergoscope_server.bus.bus import EVERY_RUN, Notices


class MemorySubscription:
    """One reader's notices since it last looked: at most one a run."""

    def __init__(self, bus: "MemoryBus", runs: frozenset[str] | None) -> None:
        self._bus = bus
        self._runs = runs
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._pending: dict[str, set[str]] = {}
        self._ready = asyncio.Event()

    async def next(self) -> Notices:
        """Wait until something happened, and give what did since the last call: run -> kinds."""
        await self._ready.wait()
        with self._lock:
            pending, self._pending = self._pending, {}
            self._ready.clear()
        return {run: frozenset(kinds) for run, kinds in pending.items()}

    def close(self) -> None:
        """Stop listening."""
        self._bus.forget(self)

    def hear(self, run: str, kinds: Set[str]) -> None:
        """Note that something happened to a run, or to EVERY_RUN; from any thread."""
        runs: Set[str] = {run}
        if self._runs is not None:
            runs = self._runs if run == EVERY_RUN else self._runs & runs
        if not runs:
            return
        with self._lock:
            first = not self._pending
            for one in runs:
                self._pending.setdefault(one, set()).update(kinds)
        if first:
            try:
                self._loop.call_soon_threadsafe(self._ready.set)
            except RuntimeError:  # the reader's loop has ended, and with it the reader
                self.close()


class MemoryBus:
    """Carries notices between the threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._subscriptions: set[MemorySubscription] = set()

    def publish(self, run: str, kind: str) -> None:
        """Tell that something of this kind happened to a run; from any thread, never blocks."""
        self.tell(run, {kind})

    def tell(self, run: str, kinds: Set[str]) -> None:
        """Tell of several kinds at once, of a run or of EVERY_RUN; from any thread, never blocks."""
        with self._lock:
            listening = list(self._subscriptions)
        for subscription in listening:
            subscription.hear(run, kinds)

    def subscribe(self, runs: frozenset[str] | None) -> MemorySubscription:
        """Listen for some runs, or all with None; from the event loop's thread."""
        subscription = MemorySubscription(self, runs)
        with self._lock:
            self._subscriptions.add(subscription)
        return subscription

    def forget(self, subscription: MemorySubscription) -> None:
        """Stop telling a reader."""
        with self._lock:
            self._subscriptions.discard(subscription)

    @property
    def connected(self) -> bool:
        """Say that it is: there are no other processes."""
        return True

    @property
    def waiting(self) -> int:
        """Say that nothing waits to be sent."""
        return 0

    @property
    def readers(self) -> int:
        """How many are listening."""
        return len(self._subscriptions)

    def close(self) -> None:
        """Do nothing: what was published has arrived."""
