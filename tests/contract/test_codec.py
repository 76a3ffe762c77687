"""The codec carries batches unchanged and refuses everything else with a text that helps."""

import random
import struct
from array import array

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_contract import codec, columns
from ergoscope_contract.errors import ShapeError, SizeError, StrangerError, TruncatedError, VersionError
from ergoscope_contract.records import Attempt, Batch, Block, Ending, Event, Histogram, Pulse, Run, Sketch, Spectrum
from ergoscope_contract.version import CONTRACT_VERSION

STEP = st.integers(-(2**63), 2**63 - 1)
COUNT = st.integers(0, 2**53)
TIME = st.floats(0, 1e11)
NAME = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20)
JSON_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAME,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)
CONFIG = st.dictionaries(NAME, JSON_VALUE, max_size=3)


def blocks() -> st.SearchStrategy[Block]:
    rows = st.lists(STEP, max_size=4)
    return rows.flatmap(
        lambda steps: st.builds(
            Block,
            keys=st.just([0]),
            steps=st.just(array("q", steps).tobytes()),
            values=st.binary(min_size=8 * len(steps), max_size=8 * len(steps)),
            dtype=st.just("f8"),
            wall=st.none() | st.tuples(TIME, TIME),
        )
    )


BATCH = st.builds(
    Batch,
    version=st.just(CONTRACT_VERSION),
    run=st.just("r1"),
    attempt=st.just(7),
    rank=st.just(1),
    seq=COUNT,
    keys=st.lists(NAME, min_size=1, max_size=3),
    blocks=st.lists(blocks(), max_size=3),
    histograms=st.lists(
        st.builds(
            Histogram,
            key=NAME,
            step=STEP,
            low=st.integers(-40, 8),
            positive=st.lists(COUNT, max_size=4),
            negative=st.lists(COUNT, max_size=4),
            zeros=COUNT,
            nonfinite=COUNT,
            sampled=st.none() | COUNT,
        ),
        max_size=2,
    ),
    sketches=st.lists(
        st.builds(Sketch, key=NAME, step=STEP, seed=COUNT, values=st.just(array("f", [1.0, 2.0]).tobytes())), max_size=2
    ),
    spectra=st.lists(
        st.builds(Spectrum, key=NAME, step=STEP, nodes=st.just(bytes(16)), weights=st.just(bytes(16))), max_size=2
    ),
    events=st.lists(st.builds(Event, kind=NAME, wall=TIME, step=st.none() | STEP, text=NAME, data=CONFIG), max_size=2),
    about=st.none() | st.builds(Run, id=st.just("r1"), project=NAME, name=NAME, created=TIME, config=CONFIG),
    begun=st.none() | st.builds(Attempt, number=st.just(7), rank=st.just(1), started=TIME, system=CONFIG),
    pulse=st.none() | st.builds(Pulse, wall=TIME, last_step=st.none() | STEP, lost=COUNT),
    ended=st.none() | st.builds(Ending, how=st.sampled_from(["finished", "failed", "crashed"]), wall=TIME),
)


def batch(**fields: object) -> Batch:
    given = {"version": CONTRACT_VERSION, "run": "r1", "attempt": 7, "rank": 0, "seq": 0} | fields
    return msgspec.convert(given, Batch)


def framed(content: bytes, *, version: int = CONTRACT_VERSION) -> bytes:
    return codec.MAGIC + bytes([version]) + zstandard.ZstdCompressor().compress(content)


def packed(**fields: object) -> bytes:
    given = {"version": CONTRACT_VERSION, "run": "r1", "attempt": 7, "rank": 0, "seq": 0} | fields
    return framed(msgspec.msgpack.encode(given))


@given(BATCH)
def test_a_batch_comes_back_as_it_went(sent: Batch) -> None:
    received = codec.decode(codec.encode(sent))

    assert received == sent


@given(BATCH)
def test_a_batch_comes_back_from_json_with_its_arrays_in_base64(sent: Batch) -> None:
    received = codec.decode_json(msgspec.json.encode(sent))

    assert received == sent


@given(st.binary(max_size=200))
def test_any_bytes_give_a_batch_or_an_error_of_the_contract(data: bytes) -> None:
    for given_bytes in (data, codec.MAGIC + data, codec.MAGIC + b"\x01" + data, framed(data)):
        with pytest.raises((StrangerError, VersionError, TruncatedError, ShapeError, SizeError)):
            codec.decode(given_bytes)


@given(BATCH, st.data())
def test_a_batch_with_changed_bytes_never_raises_anything_else(sent: Batch, data: st.DataObject) -> None:
    content = bytearray(msgspec.msgpack.encode(sent))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))

    try:
        columns.unpack(codec.accept(framed(bytes(content))).batch)
    except (StrangerError, VersionError, TruncatedError, ShapeError, SizeError) as error:
        assert str(error)


def test_nan_payloads_and_signs_survive() -> None:
    bits = struct.pack("<4Q", 0x7FF8DEADBEEF0001, 0xFFF0000000000000, 0x8000000000000000, 0x7FF0000000000001)
    block = Block(keys=[0], steps=array("q", [1, 2, 3, 4]).tobytes(), values=bits)

    received = codec.decode(
        codec.encode(batch(keys=["loss"], blocks=[msgspec.to_builtins(block, builtin_types=(bytes,))]))
    )

    assert received.blocks[0].values == bits


def test_a_thousand_values_a_step_cost_less_than_ten_bytes_each_before_compression() -> None:
    noise = random.Random(0)
    keys = [f"grad_norm/blocks.{i}.attention.weight" for i in range(1000)]
    steps = list(range(100, 110))
    block = columns.pack_block(range(1000), steps, [noise.random() for _ in range(10_000)], wall=(1.7e9, 1.7e9 + 5))
    values_only = batch(keys=[], blocks=[])

    whole = len(msgspec.msgpack.encode(batch_of(keys, block)))
    head = len(msgspec.msgpack.encode(batch_of(keys, None)))

    assert (whole - len(msgspec.msgpack.encode(values_only))) / 10_000 < 12.5  # with the key table, ten steps a batch
    assert (whole - head) / 10_000 < 10


def test_with_a_hundred_steps_a_batch_the_key_table_is_paid_too() -> None:
    keys = [f"grad_norm/blocks.{i}.attention.weight" for i in range(1000)]
    block = columns.pack_block(range(1000), list(range(100)), [0.5] * 100_000)

    assert len(msgspec.msgpack.encode(batch_of(keys, block))) / 100_000 < 10


def batch_of(keys: list[str], block: Block | None) -> Batch:
    return Batch(CONTRACT_VERSION, "r1", 7, 0, 0, keys=keys, blocks=[block] if block else [])


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (b"", StrangerError, r"it begins with b'', a batch begins with b'ERGO'"),
        (b"GET / HTTP/1.1", StrangerError, r"it begins with b'GET ', a batch begins with b'ERGO'"),
        (b"ERG", TruncatedError, r"the batch ends after 3 bytes; its head alone has 5"),
        (b"ERGO", TruncatedError, r"the batch ends after 4 bytes; its head alone has 5"),
        (
            b"ERGO\x02",
            VersionError,
            r"contract version 2; understood here: 1\. Install the same ergoscope on both sides",
        ),
        (b"ERGO\x01", TruncatedError, r"the batch's content is damaged: error when determining content size"),
        (b"ERGO\x01plain", TruncatedError, r"the batch's content is damaged"),
    ],
)
def test_a_stranger_is_told_what_was_seen(data: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        codec.decode(data)


def test_every_truncation_is_called_one() -> None:
    data = codec.encode(batch(keys=["loss"], events=[{"kind": "note", "wall": 1.0, "text": "x" * 50}]))

    for length in range(codec.HEAD, len(data)):
        with pytest.raises(TruncatedError, match="content is damaged"):
            codec.decode(data[:length])


def test_truncated_content_in_a_whole_frame_is_refused() -> None:
    content = msgspec.msgpack.encode(batch(keys=["loss"]))

    with pytest.raises(TruncatedError, match="the batch cannot be read: Input data was truncated"):
        codec.decode(framed(content[:-2]))


def test_bytes_after_the_frame_are_refused() -> None:
    with pytest.raises(TruncatedError, match="4 bytes of unused data"):
        codec.decode(codec.encode(batch()) + b"more")


def test_a_frame_without_its_size_is_refused() -> None:
    content = zstandard.ZstdCompressor(write_content_size=False).compress(msgspec.msgpack.encode(batch()))

    with pytest.raises(TruncatedError, match="does not say its size; it must be one zstd frame with content size"):
        codec.decode(b"ERGO\x01" + content)


def test_a_version_inside_that_is_not_understood_is_refused() -> None:
    with pytest.raises(VersionError, match="contract version 9; understood here: 1"):
        codec.decode(packed(version=9))


def test_a_batch_too_large_to_look_at_is_refused() -> None:
    with pytest.raises(SizeError, match="16777217 bytes packed; at most 16777216 are allowed, so send it in parts"):
        codec.decode(bytes(codec.MAX_PACKED + 1))


def test_json_too_large_to_look_at_is_refused() -> None:
    with pytest.raises(SizeError, match="4194305 bytes as JSON; at most 4194304 are allowed, so send it in parts"):
        codec.decode_json(bytes(codec.MAX_JSON + 1))


@pytest.mark.parametrize("name", ["run", "attempt", "rank", "seq", "version"])
def test_a_batch_that_does_not_say_whose_it_is_is_refused(name: str) -> None:
    given = {"version": CONTRACT_VERSION, "run": "r1", "attempt": 7, "rank": 0, "seq": 0}
    del given[name]

    with pytest.raises(ShapeError, match=f"wrong shape: Object missing required field `{name}`"):
        codec.accept(framed(msgspec.msgpack.encode(given)))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"seq": -1}, r"Expected `int` >= 0 - at `\$\.seq`"),
        ({"attempt": 2**60}, r"Expected `int` <= 9007199254740992 - at `\$\.attempt`"),
        ({"rank": "0"}, r"Expected `int`, got `str` - at `\$\.rank`"),
        ({"keys": ["loss", 3]}, r"Expected `str`, got `int` - at `\$\.keys\[1\]`"),
        ({"blocks": 5}, r"Expected `array`, got `int` - at `\$\.blocks`"),
    ],
)
def test_wrong_types_outside_are_named_with_their_place(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        codec.accept(packed(**fields))


def test_a_batch_that_is_no_map_is_refused() -> None:
    with pytest.raises(ShapeError, match="Expected `object`, got `array`"):
        codec.decode(framed(msgspec.msgpack.encode([1, 2])))


def test_json_that_is_cut_short_is_refused() -> None:
    with pytest.raises(TruncatedError, match="the batch cannot be read"):
        codec.decode_json(b'{"version": 1, "run": "r1"')


def test_a_handwritten_json_batch_gives_columns() -> None:
    text = b"""{"version": 1, "run": "r1", "attempt": 7, "rank": 0, "seq": 0, "keys": ["loss", "acc"],
        "blocks": [{"keys": [0, 1], "steps": [1, 2], "values": [[0.5, "NaN"], [null, 1]], "wall": [10, 11]}]}"""

    unpacked = columns.unpack(codec.decode_json(text))

    assert [(c.key, list(array("q", c.steps))) for c in unpacked.columns] == [("loss", [1, 2]), ("acc", [2])]
    assert [r.where for r in unpacked.refused] == ["blocks[0].acc[0]"]


def test_the_strict_reading_names_the_first_record_that_is_wrong() -> None:
    with pytest.raises(ShapeError, match=r"wrong shape: events\[0\]: Object missing required field `wall`"):
        codec.decode(packed(events=[{"kind": "note"}]))
