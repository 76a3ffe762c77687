"""A letter from the sidecar to the job: the slices that somebody asks for, in a corner of the ring's header.

    mailbox (2048 bytes)   four native 64-bit words, see `Slot`, and the letter

The sidecar alone writes here and the job only reads, a counter at each step, so neither waits for the other. The
counter is a sequence lock: odd while the letter is being written, another even number afterwards. A letter that changes
while it is read, or whose checksum does not fit, is read again at the next step. The checksum holds the counter too,
for machines that reorder stores.

The letter is the list of all that is asked now, as a receipt has it, and replaces the one before. Who reads it must
know by the ids what was done already.
"""

import zlib
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from ergoscope.errors import RingError
from ergoscope.stream.ring import HEADER_BYTES, Ring
from ergoscope_contract.slices import SliceRequest

VERSION = 1
PLACE = 2048  # where the mailbox begins in the header
LETTER = PLACE + 32
LONGEST = HEADER_BYTES - LETTER
_FIRST = PLACE // 8

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SliceRequest])


class Slot(IntEnum):
    """Places in the header, in words of eight bytes."""

    COUNTER = _FIRST
    VERSION = _FIRST + 1
    LENGTH = _FIRST + 2
    CHECKSUM = _FIRST + 3


def _checksum(letter: bytes, counter: int) -> int:
    return zlib.crc32(letter, counter & 0xFFFFFFFF)


class MailboxWriter:
    """The sidecar's side, for one thread."""

    def __init__(self, ring: Ring) -> None:
        """Write into the header of `ring`."""
        self._words = ring.words
        self._bytes = ring.header
        # What a sidecar before this one has written may be out of date: then the first letter is written in any case.
        self._newest = b"" if self._words[Slot.COUNTER] else _encoder.encode([])

    def post(self, requests: Sequence[SliceRequest]) -> None:
        """Say what is asked now; what was said already is not written again.

        When there is no room for all of them the first ones go, and the others follow as these are answered.
        """
        letter = _fitting(requests)
        if letter == self._newest:
            return
        self._newest = letter
        words = self._words
        writing = words[Slot.COUNTER] | 1  # odd already where a sidecar died as it wrote
        words[Slot.COUNTER] = writing
        words[Slot.VERSION] = VERSION
        words[Slot.LENGTH] = len(letter)
        words[Slot.CHECKSUM] = _checksum(letter, writing + 1)
        self._bytes[LETTER : LETTER + len(letter)] = letter
        words[Slot.COUNTER] = writing + 1


def _fitting(requests: Sequence[SliceRequest]) -> bytes:
    for count in range(len(requests), 0, -1):
        letter = _encoder.encode(requests[:count])
        if len(letter) <= LONGEST:
            return letter
    return _encoder.encode([])


class MailboxReader:
    """The job's side, for one thread."""

    def __init__(self, ring: Ring) -> None:
        """Read in the header of `ring`."""
        self._words = ring.words
        self._bytes = ring.header
        self._seen = 0

    def take(self) -> Sequence[SliceRequest] | None:
        """Give all that is asked, once after each change; None when nothing is new, and while it is being written.

        Raises:
            RingError: a letter is there that is not understood here; it is passed over.
        """
        counter = self._words[_FIRST]  # Slot.COUNTER, as a plain number: this is on the step's own path
        if counter == self._seen or counter & 1:
            return None
        version, length = self._words[Slot.VERSION], self._words[Slot.LENGTH]
        letter = bytes(self._bytes[LETTER : LETTER + min(length, LONGEST)])
        checksum = self._words[Slot.CHECKSUM]
        if self._words[_FIRST] != counter:
            return None
        if version != VERSION:
            self._seen = counter
            raise RingError(f"a request of mailbox version {version} is passed over; read here: {VERSION}")
        if _checksum(letter, counter) != checksum:
            return None
        self._seen = counter
        try:
            return _decoder.decode(letter)
        except msgspec.MsgspecError as error:
            raise RingError(f"a request that cannot be read is passed over: {error}") from None
