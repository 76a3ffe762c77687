"""Bytes to batches and back: msgpack inside zstd behind a four-byte name and a version.

    b"ERGO"  version (1 byte)  zstd frame of msgpack

A reader that does not know the version says so before it looks at anything else.
"""

import msgspec
import zstandard

from ergoscope_contract.envelope import Envelope, check_loose
from ergoscope_contract.errors import ShapeError, SizeError, StrangerError, TruncatedError, VersionError
from ergoscope_contract.opening import JSON, MSGPACK, Form, Opened, open_envelope
from ergoscope_contract.records import Batch
from ergoscope_contract.version import CONTRACT_VERSION, UNDERSTOOD

MAGIC = b"ERGO"
HEAD = len(MAGIC) + 1
MAX_PACKED = 16 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024
MAX_JSON = 4 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()


def encode(batch: Batch) -> bytes:
    """Pack a batch for the wire or the spool."""
    # A compressor is not safe to share between threads, and costs a microsecond.
    packed = zstandard.ZstdCompressor(level=1).compress(_encoder.encode(batch))
    return MAGIC + bytes([batch.version]) + packed


def decode(data: bytes) -> Batch:
    """Unpack what `encode` made, whole or not at all; `accept` keeps what can be kept.

    Raises:
        StrangerError: the bytes do not begin as a batch.
        VersionError: the version is not understood here.
        SizeError: packed or unpacked, it is larger than MAX_PACKED or MAX_UNPACKED bytes.
        TruncatedError: it ends too early or is damaged.
        ShapeError: a field is missing or has the wrong type.
    """
    return _whole(accept(data))


def decode_json(data: bytes) -> Batch:
    """Read a batch written as JSON, whole or not at all: for senders that pack nothing.

    Raises:
        VersionError, SizeError, TruncatedError, ShapeError: as `decode`; the limit is MAX_JSON bytes.
    """
    return _whole(accept_json(data))


def accept(data: bytes) -> Opened:
    """Unpack a batch and refuse alone those of its records that have a wrong shape.

    Raises:
        StrangerError, VersionError, SizeError, TruncatedError: as `decode`.
        ShapeError: the batch does not say whose it is, or its key table is not a list of names.
    """
    _check_size(len(data), MAX_PACKED, "packed")
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        seen = data[: len(MAGIC)]
        raise StrangerError(f"this is not an ergoscope batch: it begins with {seen!r}, a batch begins with {MAGIC!r}")
    if len(data) < HEAD:
        raise TruncatedError(f"the batch ends after {len(data)} bytes; its head alone has {HEAD}")
    _check_version(data[len(MAGIC)])
    content = _inflate(data[HEAD:])
    envelope = _outside(MSGPACK, content)
    check_loose(envelope, len(content))
    return open_envelope(MSGPACK, envelope)


def accept_json(data: bytes) -> Opened:
    """Read a batch written as JSON, with steps and values as lists, and refuse wrong records alone.

    Raises:
        VersionError, SizeError, TruncatedError, ShapeError: as `accept`; the limit is MAX_JSON bytes.
    """
    _check_size(len(data), MAX_JSON, "as JSON")
    return open_envelope(JSON, _outside(JSON, data))


def _whole(opened: Opened) -> Batch:
    if opened.refused:
        first = opened.refused[0]
        raise ShapeError(f"the batch has a wrong shape: {first.where}: {first.reason}")
    return opened.batch


def _outside(form: Form, content: bytes) -> Envelope:
    try:
        envelope = form.envelope.decode(content)
    except msgspec.ValidationError as error:
        raise ShapeError(f"the batch has a wrong shape: {error}") from None
    except RecursionError:
        raise ShapeError("the batch is nested too deeply; lists and objects may stand a few hundred deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TruncatedError(f"the batch cannot be read: {error}") from None
    _check_version(envelope.version)
    return envelope


def _check_size(size: int, limit: int, kind: str) -> None:
    if size > limit:
        raise SizeError(f"the batch has {size} bytes {kind}; at most {limit} are allowed, so send it in parts")


def _check_version(version: int) -> None:
    if version not in UNDERSTOOD:
        known = ", ".join(str(v) for v in sorted(UNDERSTOOD))
        raise VersionError(
            f"the batch speaks contract version {version}; understood here: {known}. "
            f"Install the same ergoscope on both sides (this side speaks {CONTRACT_VERSION})"
        )


def _inflate(packed: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(packed)
    except zstandard.ZstdError as error:
        raise TruncatedError(f"the batch's content is damaged: {error}") from None
    if size < 0:
        raise TruncatedError("the batch's content does not say its size; it must be one zstd frame with content size")
    _check_size(size, MAX_UNPACKED, "unpacked")
    try:
        # The frame's own word on its size bounds the memory; a frame that holds more than it says is damaged.
        return zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise TruncatedError(f"the batch's content is damaged: {error}") from None
