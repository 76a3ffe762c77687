"""The bus inside one process."""

import asyncio
from threading import Lock

from ergoscope_server.bus.bus import Notices


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

    def hear(self, run: str, kind: str) -> None:
        """Note that something happened; from any thread."""
        if self._runs is not None and run not in self._runs:
            return
        with self._lock:
            first = not self._pending
            self._pending.setdefault(run, set()).add(kind)
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
        with self._lock:
            listening = list(self._subscriptions)
        for subscription in listening:
            subscription.hear(run, kind)

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
    def readers(self) -> int:
        """How many are listening."""
        return len(self._subscriptions)
