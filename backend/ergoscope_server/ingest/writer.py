"""The one thread that writes batches: all that wait share one transaction, so one flush to disk serves them all."""

import asyncio
import logging
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Protocol

from ergoscope_server.store.accept import Outcome
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.errors import UnavailableError

log = logging.getLogger(__name__)

MOST_BATCHES = 256
MOST_BYTES = 16 * 1024 * 1024
MOST_WAITING_BYTES = 128 * 1024 * 1024


class BusyError(RuntimeError):
    """Batches cannot be taken now; the sender keeps them and tries again."""


class Acceptor(Protocol):
    """Where batches go."""

    def accept(self, batches: Sequence[Arrival]) -> list[Outcome]:
        """Store batches in one transaction; when this returns they are durable."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    batch: Arrival
    size: int
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Outcome]"


class Writer:
    """Takes batches from the event loop and answers each when it is durable."""

    def __init__(self, store: Acceptor, *, stored: Callable[[Sequence[Arrival]], None]) -> None:
        """Start the thread; `stored` is called there after each commit with the batches that were new."""
        self._store = store
        self._stored = stored
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = Lock()
        self._bytes = 0
        self._closed = False
        self._thread = Thread(target=self._work, name="ergoscope-writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of points that wait to be written."""
        return self._bytes

    async def write(self, batch: Arrival) -> Outcome:
        """Wait until a batch is durable.

        Raises:
            BusyError: too much waits already, or the service is stopping, or the database refused.
        """
        size = len(batch.entry) + 512
        with self._lock:
            if self._closed:
                raise BusyError("the service is stopping; send the batch again in a moment")
            if self._bytes + size > MOST_WAITING_BYTES:
                raise BusyError(f"{self._bytes} bytes wait to be written, more than allowed; send the batch again soon")
            self._bytes += size
            loop = asyncio.get_running_loop()
            waiting = _Waiting(batch, size, loop, loop.create_future())
            self._queue.put(waiting)
        return await waiting.done

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            group, going = self._gather()
            if group:
                self._commit(group)

    def _gather(self) -> tuple[list[_Waiting], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        group, size = [first], first.size
        while len(group) < MOST_BATCHES and size < MOST_BYTES:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return group, False
            group.append(more)
            size += more.size
        return group, True

    def _commit(self, group: list[_Waiting]) -> None:
        batches = [waiting.batch for waiting in group]
        results: Sequence[Outcome | Exception]
        try:
            results = self._store.accept(batches)
        except UnavailableError as error:
            results = [error] * len(group)
        except Exception as error:  # whatever the database says of a batch, its sender must hear of it
            if len(group) > 1:  # and it must not take the others with it
                for waiting in group:
                    self._commit([waiting])
                return
            log.exception("a batch could not be stored")
            results = [error]
        with self._lock:
            self._bytes -= sum(waiting.size for waiting in group)
        for waiting, result in zip(group, results, strict=True):
            _answer(waiting, result)
        fresh = [b for b, r in zip(batches, results, strict=True) if isinstance(r, Outcome) and r.number is not None]
        if fresh:
            self._stored(fresh)


def _answer(waiting: _Waiting, result: Outcome | Exception) -> None:
    def tell() -> None:
        if waiting.done.cancelled():
            return
        if isinstance(result, Exception):
            waiting.done.set_exception(BusyError(f"the database did not take the batch: {result}"))
        else:
            waiting.done.set_result(result)

    try:
        waiting.loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the loop has ended: nobody waits any more
        return
