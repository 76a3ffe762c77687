"""The bus between processes, over Redis pub/sub.

Readers of this process are told at once, those of others by one message for all that waits. Redis keeps no message, so
after each subscription, the first included, and every few seconds while there is none, readers look at their cursors.
"""

import logging
import secrets
import time
from threading import Event, Thread

import msgspec
from redis.client import PubSub
from redis.exceptions import ConnectionError as LostError

from ergoscope_server.bus.bus import EVERY_RUN, KINDS
from ergoscope_server.bus.connect import ANSWER_S, FAILURES, connect
from ergoscope_server.bus.memory import MemoryBus, MemorySubscription
from ergoscope_server.bus.outbox import CannotSendError, Outbox

LISTEN_S = 1.0
AWAY_S = 2.0  # between two tries to subscribe, and two looks at cursors meanwhile

log = logging.getLogger(__name__)


class _News(msgspec.Struct, frozen=True, array_like=True):
    """What one process tells the others."""

    origin: str
    notices: dict[str, frozenset[str]]


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(_News)


class RedisBus:
    """Carries notices between the processes that share a Redis."""

    def __init__(self, url: str, *, prefix: str) -> None:
        """Start listening and sending, each in a thread; Redis need not be there yet.

        Args:
            url: redis://HOST:PORT/DB.
            prefix: Begins every name in Redis.
        """
        self._local = MemoryBus()
        self._channel = f"{prefix}:news"
        self._me = secrets.token_hex(8)
        self._client = connect(url)
        self._closing = Event()
        self._listening = Event()
        self._outbox: Outbox[frozenset[str]] = Outbox(
            self._send, merge=lambda known, new: known | new, brief=lambda: {EVERY_RUN: KINDS}, name="ergoscope-news"
        )
        self._thread = Thread(target=self._work, name="ergoscope-listener", daemon=True)
        self._thread.start()

    def publish(self, run: str, kind: str) -> None:
        """Tell that something of this kind happened to a run; from any thread, never blocks."""
        self._local.publish(run, kind)
        self._outbox.put(run, frozenset({kind}))

    def subscribe(self, runs: frozenset[str] | None) -> MemorySubscription:
        """Listen for some runs, or all with None; from the event loop's thread."""
        return self._local.subscribe(runs)

    @property
    def readers(self) -> int:
        """How many are listening in this process."""
        return self._local.readers

    @property
    def connected(self) -> bool:
        """Whether news of other processes come in."""
        return self._listening.is_set()

    @property
    def waiting(self) -> int:
        """Of how many runs news wait to be sent."""
        return len(self._outbox)

    def close(self) -> None:
        """Send what waits, if Redis takes it soon, and end the threads."""
        self._outbox.close()
        self._closing.set()
        self._thread.join(LISTEN_S + AWAY_S)
        self._client.close()

    def _send(self, notices: dict[str, frozenset[str]]) -> None:
        try:
            self._client.publish(self._channel, _encode(_News(self._me, notices)))
        except FAILURES as error:
            raise CannotSendError(f"Redis takes no news: {error}") from error

    def _work(self) -> None:
        said = False
        while not self._closing.is_set():
            try:
                ear: PubSub = self._client.pubsub()  # type: ignore[no-untyped-call]  # the library has no types here
                with ear:
                    ear.subscribe(self._channel)
                    heard = time.monotonic()
                    while not self._closing.is_set():
                        heard = self._hear(ear, heard)
                        said = said and not self.connected
            except FAILURES as error:
                self._listening.clear()
                if not said:
                    log.warning("no news from other processes, readers look by themselves: %s", error)
                said = True
                self._local.tell(EVERY_RUN, KINDS)
                self._closing.wait(AWAY_S)

    def _hear(self, ear: PubSub, heard: float) -> float:
        """Wait for a message; give when anything was heard last, an answer to a ping too."""
        message = ear.get_message(timeout=LISTEN_S)
        if message is None:
            if time.monotonic() - heard > ANSWER_S:
                raise LostError(f"nothing was heard from Redis for {ANSWER_S:g} s")
            ear.ping()
            return heard
        if message["type"] == "subscribe":  # for the first time, or after the connection was lost
            self._local.tell(EVERY_RUN, KINDS)
            self._listening.set()
        elif message["type"] == "message":
            self._pass_on(message["data"])
        return time.monotonic()

    def _pass_on(self, data: bytes) -> None:
        try:
            news = _decoder.decode(data)
        except msgspec.MsgspecError as error:  # a stranger's, or of another version
            log.warning("a message of another process is not understood: %s", error)
            self._local.tell(EVERY_RUN, KINDS)
            return
        if news.origin != self._me:
            for run, kinds in news.notices.items():
                self._local.tell(run, kinds)
