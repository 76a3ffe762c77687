"""The life of a sidecar: beside the job, then without it until everything is delivered or time is up."""

import contextlib
import logging
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ergoscope.lifetime.signals import signal_seen
from ergoscope.lifetime.status import status_awaited, status_seen
from ergoscope.manifest import Manifest
from ergoscope.process import Witness
from ergoscope.sidecar.courier import REFUSED, Courier
from ergoscope.sidecar.delivery import Delivery
from ergoscope.sidecar.lock import SENDER, FileLock
from ergoscope.sidecar.recorder import Closed, Recorder
from ergoscope.sidecar.spool import segment_path, segments
from ergoscope.sidecar.surroundings import Surroundings
from ergoscope.sidecar.tables import FILE as TABLES
from ergoscope.stream.mailbox import MailboxWriter
from ergoscope.stream.ring import BARRED, ReaderState, Ring, ServerState, Word
from ergoscope_contract.records import Ending, Event

POLL_S = 0.05
DISK_FULL_S = 1.0
LOOK_S = 1.0  # that a job which was over at once is still looked at
GONE = "the process ended without a word"
GRACE_S = 60.0  # that whoever sends SIGTERM may wait before SIGKILL
_log = logging.getLogger("ergoscope.sidecar")


class Sender(threading.Thread):
    """Delivers beside the reading, since a server may keep a request waiting."""

    def __init__(self, folder: Path, manifest: Manifest, ring: Ring, delivery: Delivery, tell: Callable[[Event], None]):
        super().__init__(name="ergoscope-sender", daemon=True)
        self._ring = ring
        self._folder, self._address = folder, manifest.base_url
        self._lock = FileLock(folder / SENDER)
        self._courier = Courier(
            folder,
            delivery,
            keep=manifest.keep_spool,
            chance=random.random,
            tell=tell,
            clock=time.time,
            ask=MailboxWriter(ring).post,
        )
        self._leave = threading.Event()
        self._wake = threading.Event()

    @property
    def seq(self) -> int:
        """The number of the next batch to deliver."""
        return self._courier.seq

    def run(self) -> None:
        """Deliver until told to leave."""
        while not self._leave.is_set():
            try:
                wait = self._deliver()
            except OSError as error:
                _log.warning("the spool could not be read: %s", error)
                wait = DISK_FULL_S
            self._tell_job()
            if wait:
                self._leave.wait(wait)
            else:
                self._wake.wait(POLL_S)
                self._wake.clear()
        self._lock.release()

    def _tell_job(self) -> None:
        """Say in the ring's header how the server takes to us."""
        reachable, barred = self._courier.reachable, self._courier.barred
        if barred and self._ring.words[Word.SERVER] != ServerState.BARS:
            with contextlib.suppress(OSError):  # the job then says it without the reason
                (self._folder / BARRED).write_text(f"{self._address} answers {barred}", encoding="utf-8")
        if barred:
            self._ring.words[Word.SERVER] = ServerState.BARS
        elif self._courier.dropped:
            self._ring.words[Word.SERVER] = ServerState.DROPS
        elif reachable is not None:
            self._ring.words[Word.SERVER] = ServerState.TAKES if reachable else ServerState.AWAY

    def _deliver(self) -> float:
        if not self._lock.acquire():
            return 1.0
        self._courier.refresh()
        wait = self._courier.deliver_some(self._leave.is_set)
        if wait:
            self._lock.release()  # while the server does not answer us, `ergoscope sync` may try another way
        return wait

    def hurry(self) -> None:
        """Say that there is more to deliver."""
        self._wake.set()

    def leave(self) -> None:
        """End after the request under way, at most a few seconds later."""
        self._leave.set()
        self._wake.set()
        self.join(2.0)


class Sidecar:
    """Everything between one ring and one server."""

    def __init__(self, folder: Path, manifest: Manifest, ring: Ring, delivery: Delivery | None) -> None:
        self._folder, self._manifest, self._ring = folder, manifest, ring
        self._recorder = Recorder(folder, manifest, ring, clock=time.time)
        self._sender = Sender(folder, manifest, ring, delivery, self._recorder.tell) if delivery else None
        self._surroundings = self._look_around()
        self._failing: tuple[float, str] | None = None  # since when the disk takes nothing, and why
        self._stopped = False  # no lock in it: it is set by a signal's handler

    def _look_around(self) -> Surroundings | None:
        source, recorder = self._manifest.source, self._recorder
        if source is None:
            return None
        return Surroundings(
            self._folder,
            source,
            tell=recorder.tell,
            describe=recorder.describe,
            clock=time.time,
            written=lambda: recorder.seq,
        )

    def stop(self) -> None:
        """Ask to write down what is there and leave, as the machine may go down."""
        self._stopped = True

    def run(self) -> None:
        """Stay until the job has ended and everything is delivered, or as long as that is worth trying."""
        if self._sender:
            self._sender.start()
        if self._surroundings:
            self._surroundings.start()
        witness = Witness(self._manifest.attempt.pid, self._manifest.birth)
        while not self._stopped:
            gone = witness.wait(POLL_S)
            if not self._attempt(self._recorder.step):
                continue
            if self._surroundings:
                self._surroundings.settle()
            closed = self._recorder.closed
            if closed or gone:
                self._end(closed)
                break
        if self._stopped:
            self._attempt(self._recorder.step)
            self._attempt(self._recorder.flush)
        delivered = self._deliver_the_rest()
        if status_awaited(self._folder):
            delivered = self._put_right(witness, delivered=delivered)
        witness.close()
        if self._sender:
            self._sender.leave()
        with contextlib.suppress(OSError):  # a disk that is full can still be cleared
            self._recorder.close()
        if delivered:
            if not self._manifest.keep_spool:
                clear(self._folder)
            self._ring.words[Word.READER_STATE] = ReaderState.DELIVERED

    def _attempt(self, act: Callable[[], None]) -> bool:
        """Do something that needs the disk; when that is full, the ring keeps what it has."""
        try:
            act()
        except OSError as error:
            if self._failing is None:
                _log.warning("nothing can be written to %s: %s", self._folder, error)
                self._failing = time.time(), error.strerror or str(error)
            time.sleep(DISK_FULL_S)
            return False
        if self._failing is not None:
            since, reason = self._failing
            self._failing = None
            text = f"for {time.time() - since:.0f} s nothing could be written to {self._folder}: {reason}"
            _log.warning("%s", text)
            self._recorder.tell(Event(kind="agent", wall=since, text=text))
        return True

    def _end(self, closed: Closed) -> None:
        if self._surroundings:
            self._surroundings.join(LOOK_S)
        how, reason = (closed, "") if closed else last_word(self._folder, since=time.time() - GRACE_S)
        while not self._attempt(lambda: self._recorder.end(how, reason=reason)):
            if self._stopped:
                return
        _log.info("the job %s at step %s", how, self._recorder.last_step)

    def _put_right(self, witness: Witness, *, delivered: bool) -> bool:
        """See how a process exits that could not say so itself; say whether all, with that, is delivered."""
        if delivered:
            self._ring.words[Word.READER_STATE] = ReaderState.DELIVERED  # it does not exit before
        deadline = time.monotonic() + self._manifest.give_up_s
        while not witness.wait(POLL_S) and not self._stopped and time.monotonic() < deadline:
            pass
        status = status_seen(self._folder)
        if not status:
            return delivered
        ending = Ending(how="failed", wall=time.time(), reason=f"exit status {status}")
        while not self._attempt(lambda: self._recorder.flush(ended=ending)):
            if self._stopped:
                return False
        _log.info("no, it failed: exit status %s", status)
        return self._deliver_the_rest()

    def _deliver_the_rest(self) -> bool:
        """Wait for the last delivery, for a bounded time."""
        if self._sender is None or self._stopped:
            return False
        deadline = time.monotonic() + self._manifest.give_up_s
        while self._sender.seq < self._recorder.seq:
            self._sender.hurry()
            time.sleep(0.01)
            if self._stopped or time.monotonic() > deadline:
                _log.warning("left undelivered: ergoscope sync %s", self._folder)
                return False
        return True


def last_word(folder: Path, *, since: float, otherwise: str = GONE) -> tuple[Literal["failed", "crashed"], str]:
    """Say how a job ended that left no ending, and why: by a signal that it could note, or by what nobody can."""
    seen = signal_seen(folder, since=since)
    return ("failed", seen) if seen else ("crashed", otherwise)


def clear(folder: Path) -> None:
    """Remove a spool that was delivered; batches that the server refused stay, with the log and the reasons."""
    if not (folder / REFUSED).exists():
        shutil.rmtree(folder, ignore_errors=True)
        for parent in (folder.parent, folder.parent.parent):
            try:
                parent.rmdir()  # only when nothing else is there
            except OSError:
                return
        return
    for first in segments(folder):
        segment_path(folder, first).unlink(missing_ok=True)
    (folder / TABLES).unlink(missing_ok=True)
