"""Which runs are due to be folded: bookkeeping without clock or thread."""

from collections.abc import Iterable
from dataclasses import dataclass

from ergoscope_server.work.announced import Announced

ROWS = 64
BYTES = 2 * 1024 * 1024
IDLE_S = 20.0


@dataclass(slots=True)
class _Pending:
    rows: int = 0
    size: int = 0
    heard: float = 0.0


class Due:
    """Counts what arrives for each run since it was last folded."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def __len__(self) -> int:
        """Count the runs that have something to fold."""
        return len(self._pending)

    def arrived(self, run: str, announced: Announced, *, now: float) -> bool:
        """Note batches; True when their run is due by now."""
        pending = self._pending.setdefault(run, _Pending())
        pending.rows += announced.rows
        pending.size += announced.size
        pending.heard = now
        return _full(pending)

    def found(self, runs: Iterable[str]) -> None:
        """Note runs that have something to fold: those of which nothing was heard are due at once."""
        for run in runs:
            self._pending.setdefault(run, _Pending(rows=ROWS))

    def due(self, *, now: float) -> list[str]:
        """Give the runs that have much to fold, or something and no news for a while."""
        return [run for run, p in self._pending.items() if _full(p) or now - p.heard >= IDLE_S]

    def folding(self, run: str) -> None:
        """Note that all of a run that has arrived by now is being folded."""
        self._pending.pop(run, None)

    def missed(self, run: str) -> None:
        """Note that a run could not be folded: it is due at once."""
        self._pending.setdefault(run, _Pending()).rows = ROWS


def _full(pending: _Pending) -> bool:
    return pending.rows >= ROWS or pending.size >= BYTES
