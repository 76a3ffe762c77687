"""The ring as its sidecar reads it: whole records only, in order."""

import zlib
from collections.abc import Callable, Iterator

from ergoscope.stream.ring import ALIGN, HEAD, PAD, Ring, Word

PATIENCE_S = 1.0


class RingReader:
    """Reads forward; the ring's own read position moves only when what was read is safe (`release`).

    damaged: times that something unreadable was passed over.
    patience_s: how long to wait for a record that is announced but not whole.
    """

    def __init__(self, ring: Ring, *, start: int, clock: Callable[[], float]) -> None:
        self._ring = ring
        self._clock = clock
        self._stuck_since: float | None = None
        self.position = max(start, ring.words[Word.READ])
        self.damaged = 0
        self.patience_s = PATIENCE_S

    @property
    def behind(self) -> int:
        """Bytes that are written and not read."""
        return self._ring.words[Word.WRITTEN] - self.position

    def records(self, limit: int) -> Iterator[tuple[int, bytes]]:
        """Give (kind, payload) of the next records, about `limit` bytes of them."""
        stop = self.position + limit
        while self.position < min(self._ring.words[Word.WRITTEN], stop):
            record = self._next()
            if record is None:
                if not self._give_up():
                    return
                continue
            self._stuck_since = None
            if record[0] != PAD:
                yield record

    def release(self) -> None:
        """Let the job use the space of everything that was read."""
        self._ring.words[Word.READ] = self.position

    def _next(self) -> tuple[int, bytes] | None:
        place = self.position % self._ring.capacity
        length, kind, _, crc, tag = HEAD.unpack_from(self._ring.data, place)
        begin, end = place + HEAD.size, place + HEAD.size + length
        if tag != self.position & 0xFFFFFFFF or end > self._ring.capacity:
            return None
        payload = b"" if kind == PAD else bytes(self._ring.data[begin:end])
        if zlib.crc32(payload, tag ^ kind) != crc:
            return None
        self.position += (HEAD.size + length + ALIGN - 1) & -ALIGN
        return kind, payload

    def _give_up(self) -> bool:
        """Pass over everything up to the write position when a record stays unreadable."""
        now = self._clock()
        if self._stuck_since is None:
            self._stuck_since = now
        if now - self._stuck_since < self.patience_s:
            return False
        self._stuck_since = None
        self.damaged += 1
        self.position = self._ring.words[Word.WRITTEN]
        return True
