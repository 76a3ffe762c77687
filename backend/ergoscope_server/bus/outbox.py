"""What waits to be told to another process: merged, bounded, and sent by a thread of its own.

Whoever puts something in never waits. While it cannot be sent it is kept and tried again; when too many names wait,
`brief` says what is left of them.
"""

import logging
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

PAUSE_S = 1.0
MOST = 10_000  # names that wait
CLOSE_S = 2.0

log = logging.getLogger(__name__)


class CannotSendError(RuntimeError):
    """It could not be sent now; what was to be sent is tried again."""


class Outbox(Generic[T]):
    """Merges what is put under one name until it is sent."""

    def __init__(
        self,
        send: Callable[[dict[str, T]], None],
        *,
        merge: Callable[[T, T], T],
        brief: Callable[[], dict[str, T]],
        name: str,
        most: int = MOST,
        pause_s: float = PAUSE_S,
    ) -> None:
        """Start the thread.

        Args:
            send: Sends all that waits, or raises CannotSendError; called in the thread.
            merge: Makes one of what waits under a name (first) and what is put there (second).
            brief: What waits in the place of everything, once it is more than `most` names.
            name: Of the thread.
            most: Names that may wait.
            pause_s: Seconds before what could not be sent is tried again.
        """
        self._send, self._merge, self._brief = send, merge, brief
        self._most, self._pause = most, pause_s
        self._wake = Condition()
        self._waiting: dict[str, T] = {}
        self._closing = False
        self._troubled = False
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Count the names that wait."""
        return len(self._waiting)

    def put(self, name: str, value: T) -> None:
        """Leave something to be sent; from any thread, never waits."""
        with self._wake:
            self._add(name, value)
            self._wake.notify()

    def close(self) -> None:
        """Try once more to send what waits, and end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(CLOSE_S)

    def _add(self, name: str, value: T) -> None:
        known = self._waiting.get(name)
        self._waiting[name] = value if known is None else self._merge(known, value)
        if len(self._waiting) > self._most:
            self._waiting = self._brief()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing)
                sending, self._waiting = self._waiting, {}
                closing = self._closing
            if sending and not self._sent(sending) and not closing:
                with self._wake:
                    self._wake.wait_for(lambda: self._closing, self._pause)
            if closing:
                return

    def _sent(self, sending: dict[str, T]) -> bool:
        try:
            self._send(sending)
        except CannotSendError as error:
            if not self._troubled:
                log.warning("%s waits: %s", self._thread.name, error)
            self._troubled = True
            with self._wake:
                newer, self._waiting = self._waiting, sending
                for name, value in newer.items():
                    self._add(name, value)
            return False
        if self._troubled:
            log.info("%s goes on", self._thread.name)
        self._troubled = False
        return True
