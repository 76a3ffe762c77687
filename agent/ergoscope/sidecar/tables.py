"""The tables that the ring named, kept on disk: a sidecar that takes over must know them."""

import errno
import struct
import zlib
from pathlib import Path

from ergoscope.stream.entries import unpack_keys

FILE = "tables"
_FRAME = struct.Struct("<II")  # length, crc32


class TableFile:
    """Appends each KEYS record before the ring may forget it: `keep` takes it, `save` writes it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.tables: dict[int, list[str]] = {}
        whole = self._read()
        self._file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
        self._file.truncate(whole)
        self._file.seek(whole)
        self._end = whole
        self._unsaved: list[bytes] = []

    def _read(self) -> int:
        """Read the tables, and say how many bytes of the file are whole."""
        data = self._path.read_bytes() if self._path.exists() else b""
        place = 0
        while place + _FRAME.size <= len(data):
            length, crc = _FRAME.unpack_from(data, place)
            payload = data[place + _FRAME.size : place + _FRAME.size + length]
            if len(payload) < length or zlib.crc32(payload) != crc:
                break
            table, keys = unpack_keys(payload)
            self.tables[table] = keys
            place += _FRAME.size + length
        return place

    def keep(self, payload: bytes) -> None:
        """Take one KEYS record."""
        self._unsaved.append(payload)

    def save(self) -> None:
        """Write what was taken; after an error nothing is lost, and it can be tried again.

        Raises:
            OSError: the disk did not take it.
        """
        while self._unsaved:
            payload = self._unsaved[0]
            frame = _FRAME.pack(len(payload), zlib.crc32(payload)) + payload
            if self._file.write(frame) != len(frame):
                self._file.truncate(self._end)
                self._file.seek(self._end)
                raise OSError(errno.ENOSPC, f"only a part of {len(frame)} bytes was written")
            self._end += len(frame)
            self._unsaved.pop(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
