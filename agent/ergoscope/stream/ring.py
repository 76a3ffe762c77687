"""Shared memory between the job, which writes, and its sidecar, which reads: one mapped file, one header.

    header (4096 bytes)   native 64-bit words, see `Word`; its second half is the mailbox, see `mailbox`
    data                  records one after the other, each aligned to 16 bytes, none across the end

A record is (length, kind, crc, position) and its payload. The writer moves the write position after the record is
there; checksum and position make a reader sure of it on machines that reorder stores. Positions only grow: the place
in the data is the position modulo the capacity. The reader alone moves the read position. A record that does not
fit is not taken, and what is given up for that is counted: the job never waits. The other way, to the job, there is the
mailbox alone.
"""

import contextlib
import errno
import mmap
import os
import shutil
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

from ergoscope.errors import RingError

MAGIC = int.from_bytes(b"ERGORING", "little")
VERSION = 1
HEADER_BYTES = 4096
HEAD = struct.Struct("=IHHII")  # length, kind, unused, crc32, low half of the position
ALIGN = 16
PAD = 0  # the kind that fills the rest before the end of the data
WAITING_AT_MOST = 10_000
BARRED = "barred"  # the file beside the spool that says why the server does not let us in
LEFT_TO_OTHERS = 8  # a ring takes at most one part in so many of the free space


class Word(IntEnum):
    """Places in the header, in words of eight bytes."""

    MAGIC = 0
    VERSION = 1
    CAPACITY = 2
    JOB_PID = 3
    JOB_BIRTH = 4  # see `process.birth`
    WRITTEN = 5
    READ = 6
    LOST = 7  # records that did not fit
    CLOSED = 8  # 0 open, 1 finished, 2 failed
    READER_PID = 9
    READER_STATE = 10  # see `ReaderState`
    SERVER = 11  # see `ServerState`
    LAST_STEP = 12  # highest step that was spooled, plus one; 0 for none


class ServerState(IntEnum):
    """How the server takes to the sidecar."""

    UNKNOWN = 0  # not tried yet
    TAKES = 1
    AWAY = 2
    BARS = 3  # it is there, and does not let us in; why stands beside the spool, in BARRED
    DROPS = 4  # it is there, and wants nothing more of this run, which was deleted


class ReaderState(IntEnum):
    """How far the sidecar is."""

    ABSENT = 0
    READING = 1
    SPOOLED = 2  # the job has ended and everything is on disk
    DELIVERED = 3  # and everything was acknowledged by the server


def aligned(size: int) -> int:
    """Round a size up to where the next record may begin."""
    return (size + ALIGN - 1) & -ALIGN


class Ring:
    """The mapped file, as both sides see it: `header` and the same as `words`, and `data`, which follows."""

    def __init__(self, path: Path, mapping: mmap.mmap) -> None:
        self.path = path
        self._mapping = mapping
        self._whole = memoryview(mapping)
        self.header = self._whole[:HEADER_BYTES]
        self.words = self.header.cast("Q")
        self.data = self._whole[HEADER_BYTES:]
        self.capacity = len(self.data)

    @classmethod
    def create(cls, name: str, folders: Iterable[Path], *, capacity: int) -> "Ring":
        """Make a ring in the first folder that has room, smaller rather than elsewhere.

        The space is reserved at once: memory that runs out later would kill the job with SIGBUS. And most of what is
        free is left to the job: its data loaders live in the same shared memory, which in a container may be small.

        Raises:
            RingError: no folder has room for 1 MiB.
        """
        seen: list[str] = []
        for folder in folders:
            for size in sorted({capacity, min(capacity, 8 << 20), min(capacity, 1 << 20)}, reverse=True):
                try:
                    free = shutil.disk_usage(folder).free
                    if size * LEFT_TO_OTHERS > free:
                        raise OSError(errno.ENOSPC, f"only {free >> 20} MiB are free")
                    return cls._make(folder / name, size)
                except OSError as error:
                    seen.append(f"{folder} ({size >> 20} MiB): {error.strerror}")
        raise RingError(f"no room for the ring: {'; '.join(seen)}. Free 1 MiB there or give another dir")

    @classmethod
    def _make(cls, path: Path, capacity: int) -> "Ring":
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, HEADER_BYTES + capacity)
            else:
                os.truncate(handle, HEADER_BYTES + capacity)
            ring = cls(path, mmap.mmap(handle, HEADER_BYTES + capacity))
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(handle)
        ring.words[Word.VERSION] = VERSION
        ring.words[Word.CAPACITY] = capacity
        ring.words[Word.MAGIC] = MAGIC
        return ring

    @classmethod
    def open(cls, path: Path) -> "Ring":
        """Map a ring that somebody else made.

        Raises:
            RingError: the file is absent, is no ring, or of a version that is not read here.
        """
        try:
            with path.open("r+b") as file:
                ring = cls(path, mmap.mmap(file.fileno(), 0))
        except (OSError, ValueError) as error:
            raise RingError(f"{path} cannot be mapped: {error}") from None
        if len(ring._whole) <= HEADER_BYTES or ring.words[Word.MAGIC] != MAGIC:
            raise RingError(f"{path} is not a ring")
        if ring.words[Word.VERSION] != VERSION:
            raise RingError(f"{path} has ring version {ring.words[Word.VERSION]}; read here: {VERSION}")
        return ring

    def close(self) -> None:
        """Unmap; the file stays."""
        self.words.release()
        self.header.release()
        self.data.release()
        self._whole.release()
        self._mapping.close()

    def unlink(self) -> None:
        """Remove the file; whoever has it mapped keeps the memory."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


class RingWriter:
    """The job's side. Any thread may put; none waits for another."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._words = ring.words
        self._data = ring.data
        self._capacity = ring.capacity
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, bytes]] = deque()

    def put_now(self, kind: int, payload: bytes) -> bool:
        """Write a record that others will refer to; not for the step's path, since it may wait 50 ms for its turn.

        Returns:
            Whether the record is in the ring.
        """
        if not self._lock.acquire(timeout=0.05):
            return False
        try:
            return self._write(kind, payload)
        finally:
            self._lock.release()

    def put(self, kind: int, payload: bytes) -> bool:
        """Write a record, or drop and count it when it does not fit; see `offer`."""
        taken = self.offer(kind, payload)
        if not taken:
            self.lose()
        return taken

    def offer(self, kind: int, payload: bytes) -> bool:
        """Write a record if it fits.

        While another thread (or a signal handler's victim) is writing, the record is left for that one to write.

        Returns:
            Whether the record is in the ring or left with another writer.
        """
        if not self._lock.acquire(blocking=False):
            if len(self._waiting) >= WAITING_AT_MOST:
                return False
            self._waiting.append((kind, payload))
            self._write_waiting()  # the other may have left just before
            return True
        try:
            if self._waiting:
                self._drain()
            fitted = self._write(kind, payload)
        finally:
            self._lock.release()
        if self._waiting:
            self._write_waiting()
        return fitted

    def lose(self, records: int = 1) -> None:
        """Count records that are given up."""
        self._words[Word.LOST] += records

    def _write_waiting(self) -> None:
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._lock.release()

    def _drain(self) -> None:
        while self._waiting:
            if not self._write(*self._waiting.popleft()):
                self.lose()

    def _write(self, kind: int, payload: bytes) -> bool:
        words, capacity = self._words, self._capacity
        length = len(payload)
        need = (HEAD.size + length + ALIGN - 1) & -ALIGN
        written = words[5]  # Word.WRITTEN; plain numbers here, since this is the step's own path
        place = written % capacity
        rest = capacity - place
        skip = rest if rest < need else 0
        if written + skip + need - words[6] > capacity:
            return False
        if skip:
            self._data[place : place + HEAD.size] = HEAD.pack(
                skip - HEAD.size, PAD, 0, zlib.crc32(b"", written & 0xFFFFFFFF), written & 0xFFFFFFFF
            )
            written += skip
            place = 0
        tag = written & 0xFFFFFFFF
        record = HEAD.pack(length, kind, 0, zlib.crc32(payload, tag ^ kind), tag) + payload
        self._data[place : place + len(record)] = record
        words[5] = written + need
        return True
