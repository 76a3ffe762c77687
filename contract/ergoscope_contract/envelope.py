"""The outside of a batch, read before anything inside it is built.

A few kilobytes can name millions of empty lists. So who sent the batch, its key table and how many records it holds
are read first; the records stay raw bytes until their number and size are known to be sane.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, field

from ergoscope_contract.errors import ShapeError, SizeError
from ergoscope_contract.records import Count

MAX_KEYS = 200_000
MAX_RECORDS = 50_000
MAX_LOOSE = 8 * 1024 * 1024
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_BIN = (0xC4, 0xC5, 0xC6)  # how msgpack marks packed bytes

Records = Annotated[list[Raw], Meta(max_length=MAX_RECORDS)]


class Envelope(Struct, frozen=True):
    """Who sent a batch, its key table, and its records as raw bytes."""

    version: int
    run: str
    attempt: Count
    rank: Count
    seq: Count
    keys: Annotated[list[str], Meta(max_length=MAX_KEYS)] = field(default_factory=list)
    blocks: Records = field(default_factory=list)
    histograms: Records = field(default_factory=list)
    sketches: Records = field(default_factory=list)
    spectra: Records = field(default_factory=list)
    grids: Records = field(default_factory=list)
    events: Records = field(default_factory=list)
    about: Raw = field(default_factory=Raw)
    begun: Raw = field(default_factory=Raw)
    pulse: Raw = field(default_factory=Raw)
    ended: Raw = field(default_factory=Raw)


class _Arrays(Struct, frozen=True):
    steps: Raw = field(default_factory=Raw)
    values: Raw = field(default_factory=Raw)


_arrays = msgspec.msgpack.Decoder(_Arrays)


def check_run(name: str) -> None:
    """Refuse a run id that could not stand in an address.

    Raises:
        ShapeError: it is empty, longer than 128 characters, or holds another character than the allowed ones.
    """
    if not _RUN.fullmatch(name):
        raise ShapeError(
            f"the run id is {name[:140]!r}; allowed: 1 to 128 of A-Z, a-z, 0-9, '-', '_' and '.', "
            "the first of them a letter or digit"
        )


def check_loose(envelope: Envelope, size: int) -> None:
    """Refuse a batch of `size` bytes of msgpack that holds too much beside packed arrays.

    Raises:
        SizeError: names, events, configs and numbers in lists take more than MAX_LOOSE bytes together.
    """
    if size <= MAX_LOOSE:
        return
    loose = size - sum(map(_packed_bytes, envelope.blocks))
    if loose > MAX_LOOSE:
        raise SizeError(
            f"the batch has {loose} bytes beside packed arrays; at most {MAX_LOOSE} are allowed, so send it in parts, "
            "and steps and values as packed bytes"
        )


def _packed_bytes(block: Raw) -> int:
    try:
        arrays = _arrays.decode(block)
    except msgspec.ValidationError:
        return 0
    return sum(len(raw) for raw in (arrays.steps, arrays.values) if len(raw) and memoryview(raw)[0] in _BIN)
