"""Finishing what a spool still owes the server: by hand, after a job or beside one that works offline."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ergoscope.capture import hostname
from ergoscope.errors import RingError
from ergoscope.manifest import Manifest
from ergoscope.process import lives
from ergoscope.sidecar.batches import Gathering
from ergoscope.sidecar.courier import REFUSED, Courier, refused_batches
from ergoscope.sidecar.delivery import Delivery
from ergoscope.sidecar.life import clear, last_word
from ergoscope.sidecar.lock import SENDER, WRITER, FileLock
from ergoscope.sidecar.recorder import Recorder
from ergoscope.sidecar.spool import SpoolWriter, ended, segment_path, segments, undelivered
from ergoscope.stream.ring import Ring
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Ending

GONE = "the process and its sidecar ended without a word"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a spool stands.

    life: "running", "ended", or "broken off" when neither job nor sidecar is there and no ending was written.
    batches, size: what the server has not acknowledged, in batches and bytes. refused: batches set aside for good.
    sending: whether some process is delivering it.
    """

    folder: Path
    manifest: Manifest
    life: str
    batches: int
    size: int
    refused: int
    sending: bool


def standing(folder: Path) -> Standing:
    """Look at a spool without touching it.

    Raises:
        SpoolError: the folder is none.
    """
    manifest = Manifest.read(folder)
    batches, size = undelivered(folder)
    life = "ended" if ended(folder) else "running" if _works(folder, manifest) else "broken off"
    return Standing(folder, manifest, life, batches, size, refused_batches(folder), _held(folder / SENDER))


def _works(folder: Path, manifest: Manifest) -> bool:
    return _held(folder / WRITER) or _lives(manifest)


def _lives(manifest: Manifest) -> bool:
    """Say whether the job may be there: on a shared disk it may be on another machine, which cannot be asked."""
    return manifest.attempt.host != hostname() or lives(manifest.attempt.pid, manifest.birth)


def _held(path: Path) -> bool:
    if not path.exists():
        return False
    lock = FileLock(path)
    if not lock.acquire():
        return True
    lock.release()
    return False


def settle(
    folder: Path, delivery: Delivery, *, patience_s: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> str:
    """Deliver what a spool holds, after taking what a killed sidecar left in the ring.

    Args:
        folder: The spool's.
        delivery: The way to the server.
        patience_s: How long to try when the server does not take it.
        clock: Unix time.
        sleep: Waits between tries.

    Returns:
        What became of it, in words; it begins with "delivered" unless something is left.

    Raises:
        SpoolError: the folder is none.
    """
    manifest = Manifest.read(folder)
    _complete(folder, manifest, clock)
    lock = FileLock(folder / SENDER)
    if not lock.acquire():
        return "left to its sidecar, which is delivering it"
    try:
        courier = Courier(
            folder, delivery, keep=manifest.keep_spool, chance=random.random, tell=lambda _: None, clock=clock
        )
        before, deadline = courier.seq, clock() + patience_s
        while wait := courier.deliver_some(lambda: False):
            if clock() + wait > deadline:
                return f"{courier.seq - before} batches delivered, the rest not: {courier.reason}"
            sleep(wait)
        aside = refused_batches(folder)
        done = ended(folder)
        if done and not manifest.keep_spool and not _held(folder / WRITER):
            clear(folder)  # else its sidecar does, which sees that all is delivered
    finally:
        lock.release()
    text = f"delivered {courier.seq - before - courier.dropped} batches" + ("" if done else "; the job goes on")
    text += f"; dropped {courier.dropped}, as the run was deleted there" if courier.dropped else ""
    return text + (f"; the server refused {aside}, see {folder / REFUSED}" if aside else "")


def _complete(folder: Path, manifest: Manifest, clock: Callable[[], float]) -> None:
    """Write what a sidecar that is gone could not, when it is."""
    lock = FileLock(folder / WRITER)
    if ended(folder) or not lock.acquire():
        return
    try:
        alive = _lives(manifest)
        try:
            ring = Ring.open(Path(manifest.ring))
        except RingError:
            if not alive:
                _break_off(folder, manifest, clock)
            return
        recorder = Recorder(folder, manifest, ring, clock=clock)
        recorder.step()
        if alive and not recorder.closed:
            recorder.flush()
        else:
            how, reason = (recorder.closed, "") if recorder.closed else last_word(folder, since=0.0, otherwise=GONE)
            recorder.end(how, reason=reason)
        recorder.close()
    finally:
        lock.release()


def _break_off(folder: Path, manifest: Manifest, clock: Callable[[], float]) -> None:
    """End a spool whose ring went down with the machine, at the time of its last batch."""
    wall = max((segment_path(folder, first).stat().st_mtime for first in segments(folder)), default=clock())
    spool = SpoolWriter(folder, clock=clock)
    how, reason = last_word(folder, since=0.0, otherwise=GONE)
    ending = Ending(how=how, wall=wall, reason=reason)
    batch = Gathering({}).take(spool.seq, manifest.run, manifest.attempt, None, ended=ending)
    spool.append(encode(batch), upto=spool.upto)
    spool.mark_ended()
    spool.close()
