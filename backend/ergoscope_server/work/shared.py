"""The rounds of one worker among several: shards by lease, announcements by stream.

While Redis is away each worker goes on with what it holds, and after a while looks after all runs: whoever is second
at a run writes nothing.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from ergoscope_server.bus.connect import FAILURES, connect
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.leases import KEEP_S, LEASE_S, Leases
from ergoscope_server.work.line import Entry, Line
from ergoscope_server.work.names import shard_of

WAIT_MS = 500
AGAIN_S = 1.0
FORGOTTEN_S = 60.0  # after which an entry that its worker did not finish is another's

log = logging.getLogger(__name__)


class SharedRounds:
    """Takes a fair share of the runs, and hears what is announced of them."""

    def __init__(
        self,
        url: str,
        *,
        heard: Callable[[str, Announced], None],
        taken: Callable[[], None],
        prefix: str,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            url: redis://HOST:PORT/DB.
            heard: Is told in a thread what is announced of the runs of these rounds.
            taken: Is told in a thread that runs were added to them.
            prefix: Begins every name in Redis.
        """
        self._heard, self._taken = heard, taken
        self._client = connect(url)
        name = f"worker-{secrets.token_hex(6)}"
        self._leases = Leases(self._client, name, prefix=prefix)
        self._line = Line(self._client, name, prefix=prefix)
        self._lock = Lock()
        self._open: dict[str, list[Entry]] = {}
        self._finished: list[Entry] = []
        self._away_since: float | None = None
        self._closing = Event()
        self._thread = Thread(target=self._work, name="ergoscope-rounds", daemon=True)

    def start(self) -> None:
        """Begin to take runs."""
        self._thread.start()

    def mine(self, run: str) -> bool:
        """Whether this worker looks after a run; from any thread."""
        return self.on_my_own or shard_of(run) in self._leases.held

    @property
    def shards(self) -> int:
        """How many shards of runs are this worker's."""
        return len(self._leases.held)

    @property
    def on_my_own(self) -> bool:
        """Whether Redis has been away for so long that others may have lost their leases."""
        since = self._away_since
        return since is not None and time.monotonic() - since > LEASE_S

    @contextmanager
    def folding(self, run: str) -> Iterator[None]:
        """Fold a run in here: what was announced of it is done when this is left without an error."""
        with self._lock:
            entries = self._open.pop(run, [])
        try:
            yield
        except BaseException:
            with self._lock:
                self._open[run] = entries + self._open.get(run, [])
            raise
        with self._lock:
            self._finished += entries

    def close(self) -> None:
        """Leave the runs to others."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(2 * AGAIN_S + WAIT_MS / 1000)
        try:
            self._leases.release()
        except FAILURES as error:
            log.warning("the leases end by themselves in %d s: %s", LEASE_S, error)
        self._client.close()

    def _work(self) -> None:
        keep = claim = 0.0
        while not self._closing.is_set():
            try:
                now = time.monotonic()
                if now >= keep:
                    keep = now + KEEP_S
                    self._keep()
                if now >= claim:
                    claim = now + FORGOTTEN_S
                    for shard in self._leases.held:
                        self._hear(self._line.claim(shard, idle_s=FORGOTTEN_S))
                self._finish()
                self._listen()
                self._back()
            except FAILURES as error:
                keep = 0.0
                self._gone(error)
                self._closing.wait(AGAIN_S)

    def _keep(self) -> None:
        fresh = self._leases.keep()
        self._line.join(fresh)
        for shard in fresh:
            self._hear(self._line.claim(shard, idle_s=0.0))
        if fresh:
            self._taken()

    def _listen(self) -> None:
        if self._leases.held:
            self._hear(self._line.read(self._leases.held, wait_ms=WAIT_MS))
        else:
            self._closing.wait(WAIT_MS / 1000)

    def _hear(self, entries: list[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self._open.setdefault(entry.run, []).append(entry)
        for entry in entries:
            self._heard(entry.run, entry.announced)

    def _finish(self) -> None:
        with self._lock:
            finished, self._finished = self._finished, []
        if finished:
            self._line.done(finished)  # what is not said now is claimed again one day, and found done

    def _gone(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning("Redis is away; the log itself says what is to be done: %s", error)

    def _back(self) -> None:
        if self._away_since is not None:
            self._away_since = None
            log.info("Redis is back")
