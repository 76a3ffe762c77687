"""Tells the workers of other processes, over Redis Streams, that batches were stored.

A stream keeps its newest few thousand entries. What is lost with older ones, or with Redis, workers find in the log.
"""

from redis.typing import EncodableT

from ergoscope_server.bus.connect import FAILURES, connect
from ergoscope_server.bus.outbox import CannotSendError, Outbox
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.names import shard_of, stream

MOST_ENTRIES = 4_096  # of a stream


class Announcer:
    """Announces from any thread, without waiting."""

    def __init__(self, url: str, *, prefix: str) -> None:
        """Start the thread that sends; Redis need not be there yet. `prefix` begins every name in Redis."""
        self._prefix = prefix
        self._client = connect(url)
        self._outbox: Outbox[Announced] = Outbox(
            self._send, merge=Announced.__add__, brief=dict, name="ergoscope-announcer"
        )

    @property
    def waiting(self) -> int:
        """Of how many runs announcements wait to be sent."""
        return len(self._outbox)

    def announce(self, run: str, announced: Announced) -> None:
        """Tell that batches of a run were stored."""
        self._outbox.put(run, announced)

    def close(self) -> None:
        """Send what waits, if Redis takes it soon."""
        self._outbox.close()
        self._client.close()

    def _send(self, waiting: dict[str, Announced]) -> None:
        try:
            with self._client.pipeline(transaction=False) as together:
                for run, one in waiting.items():
                    entry: dict[EncodableT, EncodableT] = {"run": run, "rows": one.rows, "size": one.size}
                    together.xadd(stream(self._prefix, shard_of(run)), entry, maxlen=MOST_ENTRIES, approximate=True)
                together.execute()
        except FAILURES as error:
            raise CannotSendError(f"Redis takes no announcements: {error}") from error
