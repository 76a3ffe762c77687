"""What a ring's records hold: kinds, and payloads both ways."""

import struct
from enum import IntEnum

import msgspec

from ergoscope_contract.records import Ending, Event, Grid, Histogram, Run, Sketch, Spectrum

Record = Histogram | Sketch | Spectrum | Grid | Event | Run | Ending

_ROW = struct.Struct("=qdII")  # step, wall, table, bytes a value
_encoder = msgspec.msgpack.Encoder()
_keys_decoder = msgspec.msgpack.Decoder(tuple[int, list[str]])


class Kind(IntEnum):
    """What a record is; 0 is the ring's own padding."""

    KEYS = 1
    ROW = 2
    HISTOGRAM = 3
    SKETCH = 4
    SPECTRUM = 5
    EVENT = 6
    ABOUT = 7
    END = 8
    GRID = 9


KINDS: dict[type[Record], Kind] = {
    Histogram: Kind.HISTOGRAM,
    Sketch: Kind.SKETCH,
    Spectrum: Kind.SPECTRUM,
    Grid: Kind.GRID,
    Event: Kind.EVENT,
    Run: Kind.ABOUT,
    Ending: Kind.END,
}
_decoders = {kind: msgspec.msgpack.Decoder(struct_type) for struct_type, kind in KINDS.items()}


def pack_keys(table: int, keys: list[str]) -> bytes:
    """Pack a table's number and names."""
    return _encoder.encode((table, keys))


def unpack_keys(payload: bytes) -> tuple[int, list[str]]:
    """Give back what `pack_keys` took."""
    return _keys_decoder.decode(payload)


def pack_row(table: int, step: int, wall: float, width: int, values: bytes) -> bytes:
    """Pack a row; `width` is 4 or 8 bytes a value.

    Raises:
        struct.error: a number is outside its range.
    """
    return _ROW.pack(step, wall, table, width) + values


def unpack_row(payload: bytes) -> tuple[int, int, float, int, bytes]:
    """Give back what `pack_row` took, in its order."""
    step, wall, table, width = _ROW.unpack_from(payload)
    return table, step, wall, width, payload[_ROW.size :]


def pack_record(record: Record) -> bytes:
    """Pack a record of the contract."""
    return _encoder.encode(record)


def unpack_record(kind: Kind, payload: bytes) -> Record:
    """Give back the record that was packed under a kind."""
    return _decoders[kind].decode(payload)
