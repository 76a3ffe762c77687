"""Who tells whom that something happened. Only the fact travels; readers read from their own cursor.

So nothing queues: what happens to a run while a reader is busy becomes one notice with all kinds in it.
Kinds: "arrival" (points or events came), "run" (its summary changed), "verdict", "alert", "slice" (one was asked for,
or rows of it came), "deleted".

Where notices may have been lost, a reader is told of every kind for each run that it follows, and one that follows all
of EVERY_RUN: look at your cursors. So a bus that forgets delays news and loses none.
"""

from typing import Protocol, TypeAlias

Notices: TypeAlias = dict[str, frozenset[str]]

KINDS = frozenset({"arrival", "run", "verdict", "alert", "slice", "deleted"})
EVERY_RUN = "*"  # no run has such an id


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
    def connected(self) -> bool:
        """Whether news of other processes come in; always, where there are none."""
        ...

    @property
    def waiting(self) -> int:
        """Of how many runs news wait to be sent to other processes."""
        ...

    @property
    def readers(self) -> int:
        """How many are listening in this process."""
        ...

    def subscribe(self, runs: frozenset[str] | None) -> Subscription:
        """Listen for some runs, or all with None; from the event loop's thread."""
        ...

    def close(self) -> None:
        """Stop carrying; what was published goes out first where that is soon."""
        ...
