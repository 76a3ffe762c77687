"""Whose runs are whose, where several workers share them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Rounds(Protocol):
    """What one worker has to go round. Several may still meet at a run: whoever is second writes nothing."""

    def mine(self, run: str) -> bool:
        """Whether this worker looks after a run; from any thread."""
        ...

    def folding(self, run: str) -> AbstractContextManager[None]:
        """Fold a run in here: what was announced of it is done when this is left without an error."""
        ...

    def close(self) -> None:
        """Leave the runs to others."""
        ...


class Alone:
    """The rounds of the only worker: all runs."""

    def mine(self, run: str) -> bool:  # noqa: ARG002 (the protocol's)
        """Say that it is."""
        return True

    @contextmanager
    def folding(self, run: str) -> Iterator[None]:  # noqa: ARG002 (the protocol's)
        """Do nothing: nobody else waits for it."""
        yield

    def close(self) -> None:
        """Do nothing."""
