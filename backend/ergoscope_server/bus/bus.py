"""Who tells whom that something happened. Only the fact travels; readers read from their own cursor.

So nothing queues: what happens to a run while a reader is busy becomes one notice with all kinds in it.
Kinds: "arrival" (points or events came), "run" (its summary changed), "verdict", "alert", "slice" (one was asked for,
or rows of it came).
"""

from typing import Protocol, TypeAlias

Notices: TypeAlias = dict[str, frozenset[str]]


class Subscription(Protocol):
    """One reader's ear. Close it when done."""

    async def next(self) -> Notices:
        """Wait until something happened, and give what did since the last call: run -> kinds."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class Bus(Protocol):
    """Carries notices from writers to readers."""

    def publish(self, run: str, kind: str) -> None:
        """Tell that something of this kind happened to a run; from any thread, never blocks."""
        ...

    @property
    def readers(self) -> int:
        """How many are listening in this process."""
        ...

    def subscribe(self, runs: frozenset[str] | None) -> Subscription:
        """Listen for some runs, or all with None; from the event loop's thread."""
        ...
