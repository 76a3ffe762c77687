"""Which runs are due to be folded, and which have fallen silent: bookkeeping without clock or thread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ROWS = 64
BYTES = 2 * 1024 * 1024
IDLE_S = 20.0
QUIET_S = 10.0  # from here on a run may be silent
FORGET_S = 600.0


@dataclass(slots=True)
class _Pending:
    rows: int = 0
    size: int = 0
    heard: float = 0.0


class Due:
    """Counts what arrives for each run since it was last folded."""

    def __init__(self, runs: Iterable[str] = ()) -> None:
        """Begin with runs that are due at once."""
        self._pending = {run: _Pending(rows=ROWS) for run in runs}
        self._heard: dict[str, float] = {}

    def arrived(self, run: str, size: int, *, now: float) -> bool:
        """Note a batch; True when its run is due by now."""
        pending = self._pending.setdefault(run, _Pending())
        pending.rows += 1
        pending.size += size
        pending.heard = self._heard[run] = now
        return _full(pending)

    def due(self, *, now: float) -> list[str]:
        """Give the runs that have much to fold, or something and no news for a while."""
        return [run for run, p in self._pending.items() if _full(p) or now - p.heard >= IDLE_S]

    def folding(self, run: str) -> None:
        """Note that all of a run that has arrived by now is being folded."""
        self._pending.pop(run, None)

    def missed(self, run: str) -> None:
        """Note that a run could not be folded: it is due at once."""
        self._pending.setdefault(run, _Pending()).rows = ROWS

    def quiet(self, *, now: float) -> Iterator[str]:
        """Give the runs that were heard of lately, but not in the last QUIET_S."""
        self._heard = {run: heard for run, heard in self._heard.items() if now - heard < FORGET_S}
        return (run for run, heard in self._heard.items() if now - heard >= QUIET_S)

    def silent(self, run: str) -> None:
        """Note that a run's silence is known."""
        self._heard.pop(run, None)

    @property
    def size(self) -> int:
        """Bytes that wait to be folded."""
        return sum(pending.size for pending in self._pending.values())


def _full(pending: _Pending) -> bool:
    return pending.rows >= ROWS or pending.size >= BYTES
