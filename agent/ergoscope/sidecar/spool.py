"""Batches on disk until the server has them: append-only segments of checked frames.

    frame     (length, crc32, seq, position in the ring up to which the batch goes) and the batch's bytes
    segment   frames one after the other; its name is the seq of its first frame

A frame is written at once, so it survives the end of any process; against the end of the machine the file is synced
every `SYNC_S` seconds, at the end of a segment and at the end of the attempt. A tail that was torn is cut off when
the spool is opened again; the ring still has what it held, since the ring is released after the frame is written.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ergoscope.errors import SpoolError

FRAME = struct.Struct("<IIQQ")
SEGMENT_BYTES = 8 << 20
SYNC_S = 5.0
SUFFIX = ".spool"
DELIVERED = "delivered.json"
ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Frame:
    """One batch as it lies on disk; `after` is where the next one begins."""

    seq: int
    upto: int
    data: bytes
    after: "Place"


class Place(msgspec.Struct, frozen=True):
    """A place between two frames: the segment's first seq, bytes into it, and the seq that comes there."""

    segment: int
    offset: int
    seq: int


START = Place(0, 0, 0)


def segments(folder: Path) -> list[int]:
    """Give the first seq of each segment, in order."""
    return sorted(int(path.stem) for path in folder.glob("*" + SUFFIX) if path.stem.isdecimal())


def segment_path(folder: Path, first: int) -> Path:
    """Name a segment's file."""
    return folder / f"{first:012d}{SUFFIX}"


def frames(folder: Path, place: Place) -> Iterator[Frame]:
    """Give the whole frames from a place on, as far as they are written.

    Where a frame is damaged, what follows in its segment is passed over once a later segment exists.
    """
    place = _existing(folder, place)
    while True:
        scan = _Scan(folder, place)
        yield from scan
        place = scan.place
        later = [first for first in segments(folder) if first > place.segment]
        if not later:
            return
        place = Place(later[0], 0, later[0])


def _existing(folder: Path, place: Place) -> Place:
    """Move to the first segment that is there when the place's own was delivered and removed."""
    if segment_path(folder, place.segment).exists():
        return place
    later = [first for first in segments(folder) if first >= place.segment]
    return Place(later[0], 0, later[0]) if later else place


class _Scan:
    """The whole frames of one segment from a place on; `place` is where it stopped."""

    def __init__(self, folder: Path, place: Place) -> None:
        self._path = segment_path(folder, place.segment)
        self.place = place

    def __iter__(self) -> Iterator[Frame]:
        try:
            with self._path.open("rb") as file:
                file.seek(self.place.offset)
                while (frame := self._read(file.read(FRAME.size), file.read)) is not None:
                    self.place = frame.after
                    yield frame
        except FileNotFoundError:
            return

    def _read(self, head: bytes, read: Callable[[int], bytes]) -> Frame | None:
        if len(head) < FRAME.size:
            return None
        length, crc, seq, upto = FRAME.unpack(head)
        data = read(length)
        if len(data) < length or zlib.crc32(data, zlib.crc32(head[8:])) != crc:
            return None
        after = Place(self.place.segment, self.place.offset + FRAME.size + length, seq + 1)
        return Frame(seq, upto, data, after)


class SpoolWriter:
    """Appends batches; opened again, it goes on where the whole frames end.

    seq: the number of the next batch.
    upto: the position in the ring up to which batches are on disk.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self.upto = 0
        end = START
        for first in segments(folder)[-2:]:  # the last one may be empty still
            end = Place(first, 0, first)
            for frame in _Scan(folder, end):
                self.upto, end = frame.upto, frame.after
        # A frame that reached the server but not the disk has used its number.
        self.seq = max(end.seq, read_delivered(folder).seq)
        self._first = end.segment
        self._file = self._open(end.offset)
        self._synced = clock()

    def _open(self, offset: int) -> int:
        path = segment_path(self._folder, self._first)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolError(f"{path} cannot be written: {error.strerror}") from None
        os.ftruncate(handle, offset)
        os.lseek(handle, offset, os.SEEK_SET)
        self._offset = offset
        return handle

    def append(self, data: bytes, *, upto: int) -> None:
        """Write one batch; after an error nothing of it is left, so it can be tried again.

        Raises:
            OSError: the disk did not take it.
        """
        rest = struct.pack("<QQ", self.seq, upto)
        frame = struct.pack("<II", len(data), zlib.crc32(data, zlib.crc32(rest))) + rest + data
        try:
            written = os.write(self._file, frame)
            if written != len(frame):
                raise OSError(f"{written} of {len(frame)} bytes were written")
        except OSError:
            os.ftruncate(self._file, self._offset)
            os.lseek(self._file, self._offset, os.SEEK_SET)
            raise
        self._offset += len(frame)
        self.seq += 1
        self.upto = upto
        if self._offset >= SEGMENT_BYTES:
            self._roll()
        elif self._clock() - self._synced >= SYNC_S:
            self.sync()

    def sync(self) -> None:
        """Have the disk keep it even if the machine goes down."""
        os.fsync(self._file)
        self._synced = self._clock()

    def _roll(self) -> None:
        self.close()
        self._first = self.seq
        self._file = self._open(0)

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._file)

    def mark_ended(self) -> None:
        """Say that nothing will follow."""
        (self._folder / ENDED).touch()


def ended(folder: Path) -> bool:
    """Say whether the attempt has ended and nothing will follow."""
    return (folder / ENDED).exists()


def read_delivered(folder: Path) -> Place:
    """Give the place up to which the server has acknowledged everything."""
    try:
        return msgspec.json.decode((folder / DELIVERED).read_bytes(), type=Place)
    except (OSError, msgspec.MsgspecError):
        return START  # delivering again is harmless: the server knows each batch by its number


def write_delivered(folder: Path, place: Place) -> None:
    """Note the place up to which the server has acknowledged everything."""
    draft = folder / (DELIVERED + ".new")
    draft.write_bytes(msgspec.json.encode(place))
    draft.replace(folder / DELIVERED)


def undelivered(folder: Path) -> tuple[int, int]:
    """Count (batches, bytes) that the server has not acknowledged."""
    sizes = [len(frame.data) for frame in frames(folder, read_delivered(folder))]
    return len(sizes), sum(sizes)
