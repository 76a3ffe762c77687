"""Absurd batches are refused before they are built; wrong records are refused alone."""

import resource

import msgspec
import pytest
import zstandard

from ergoscope_contract import codec
from ergoscope_contract.envelope import MAX_LOOSE, MAX_RECORDS
from ergoscope_contract.errors import ShapeError, SizeError, TruncatedError
from ergoscope_contract.version import CONTRACT_VERSION

GOOD = {"kind": "note", "wall": 1.0}


def framed(content: bytes) -> bytes:
    return codec.MAGIC + bytes([CONTRACT_VERSION]) + zstandard.ZstdCompressor().compress(content)


def content(**fields: object) -> bytes:
    given = {"version": CONTRACT_VERSION, "run": "r1", "attempt": 7, "rank": 0, "seq": 0} | fields
    return msgspec.msgpack.encode(given)


def accept(**fields: object) -> codec.Opened:
    return codec.accept(framed(content(**fields)))


def peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "a:1", "x" * 129, "a\n", "é"])
def test_a_run_id_that_cannot_stand_in_an_address_is_refused(name: str) -> None:
    with pytest.raises(ShapeError, match=r"the run id is .* allowed: 1 to 128 of A-Z, a-z, 0-9") as caught:
        accept(run=name)

    assert repr(name[:20])[:-1] in str(caught.value)


@pytest.mark.parametrize("name", ["a", "20240101-quiet-otter.3", "R_1", "x" * 128])
def test_usual_run_ids_pass(name: str) -> None:
    assert accept(run=name).batch.run == name


def test_a_frame_that_holds_more_than_it_says_is_damaged() -> None:
    whole = zstandard.ZstdCompressor().compress(bytes(5_000_000))
    assert zstandard.frame_content_size(whole) == 5_000_000
    place = whole.index((5_000_000).to_bytes(4, "little"))
    lying = whole[:place] + (100).to_bytes(4, "little") + whole[place + 4 :]

    with pytest.raises(TruncatedError, match="content is damaged"):
        codec.decode(b"ERGO\x01" + lying)


def test_a_frame_that_says_more_than_is_allowed_is_refused_unopened() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(codec.MAX_UNPACKED + 1))
    assert len(bomb) < 10_000

    with pytest.raises(SizeError, match="67108865 bytes unpacked; at most 67108864 are allowed"):
        codec.decode(b"ERGO\x01" + bomb)


@pytest.mark.parametrize("name", ["blocks", "histograms", "sketches", "spectra", "grids", "events"])
def test_a_bomb_of_millions_of_records_is_refused_before_it_is_built(name: str) -> None:
    number = 20_000_000
    start = content()
    bomb = bytes([start[0] + 1]) + start[1:] + msgspec.msgpack.encode(name) + b"\xdd" + number.to_bytes(4, "big")
    before = peak_mebibytes()

    with pytest.raises(ShapeError, match=rf"Expected `array` of length <= {MAX_RECORDS} - at `\$\.{name}`"):
        codec.accept(framed(bomb + b"\x80" * number))

    assert peak_mebibytes() - before < 100  # twenty million dictionaries would take 1.4 GB


def test_a_bomb_of_empty_lists_in_one_record_is_refused_before_it_is_built() -> None:
    event = msgspec.msgpack.encode({**GOOD, "data": {"a": 0}})
    number = MAX_LOOSE + 1
    bomb = event[:-1] + b"\xdd" + number.to_bytes(4, "big") + b"\x90" * number
    start = content()
    whole = bytes([start[0] + 1]) + start[1:] + msgspec.msgpack.encode("events") + b"\x91" + bomb
    before = peak_mebibytes()

    with pytest.raises(SizeError, match="bytes beside packed arrays; at most 8388608 are allowed, so send it in parts"):
        codec.accept(framed(whole))

    assert peak_mebibytes() - before < 100


def test_packed_arrays_do_not_count_as_loose() -> None:
    rows = MAX_LOOSE // 8
    block = {"keys": [0], "steps": bytes(8 * rows), "values": bytes(8 * rows)}

    opened = accept(keys=["loss"], blocks=[block, 5])

    assert len(opened.batch.blocks) == 1
    assert [r.where for r in opened.refused] == ["blocks[1]"]


def test_wrong_records_are_refused_alone_each_with_its_place() -> None:
    opened = accept(
        keys=["loss"],
        blocks=[{"keys": [0], "steps": bytes(8), "values": bytes(8)}, {"keys": [0]}],
        histograms=[{"key": "grad_hist/w", "step": 1, "low": 0, "positive": [1], "negative": [-1]}],
        sketches=[{"key": "weight_sketch", "step": 1, "seed": 0, "values": b"abc"}],
        spectra=[{"key": "spectral_density", "step": 1, "nodes": bytes(8), "weights": bytes(16)}],
        events=[GOOD, {"kind": "", "wall": 1.0}, {"kind": "note", "wall": float("nan")}, GOOD],
        pulse={"wall": "now"},
        ended={"how": "exploded", "wall": 1.0},
    )

    assert len(opened.batch.blocks) == 1
    assert len(opened.batch.events) == 2
    assert {r.where: r.reason for r in opened.refused} == {
        "blocks[1]": "Object missing required field `steps`",
        "histograms[0]": "Expected `int` >= 0 - at `$.negative[0]`",
        "sketches[0]": "values hold 3 bytes; packed float32 needs a multiple of 4",
        "spectra[0]": "weights hold 16 bytes, nodes 8; give one weight a node",
        "events[1]": "Expected `str` of length >= 1 - at `$.kind`",
        "events[2]": "Expected `float` >= 0.0 - at `$.wall`",
        "pulse": "Expected `float`, got `str` - at `$.wall`",
        "ended": "Invalid enum value 'exploded' - at `$.how`",
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"nodes": b"1234567", "weights": b""}, "nodes hold 7 bytes; packed float64 needs a multiple of 8"),
        (
            {"nodes": bytes(16), "weights": bytes(16), "residuals": bytes(8)},
            "residuals hold 8 bytes, nodes 16; give one a node or none",
        ),
    ],
)
def test_arrays_of_a_spectrum_must_fit_together(fields: dict[str, object], text: str) -> None:
    opened = accept(spectra=[{"key": "spectral_density", "step": 1, **fields}])

    assert opened.refused[0].reason == text


def test_a_run_or_attempt_that_is_not_the_batchs_own_is_refused_alone() -> None:
    opened = accept(
        about={"id": "r2", "project": "p", "name": "n", "created": 1.0},
        begun={"number": 8, "started": 1.0},
        events=[GOOD],
    )

    assert opened.batch.about is None
    assert opened.batch.begun is None
    assert len(opened.batch.events) == 1
    assert [r.reason for r in opened.refused] == [
        "it is about run 'r2'; the batch belongs to run 'r1'",
        "it is attempt, rank (8, 0); the batch belongs to attempt, rank (7, 0)",
    ]


def test_nothing_may_be_written_as_nothing() -> None:
    opened = accept(about=None, begun=None, pulse=None, ended=None)

    assert opened == accept()


def test_what_json_cannot_say_in_a_config_is_put_in_words() -> None:
    config = {"lr": float("nan"), "mask": b"\x01", "when": msgspec.msgpack.Ext(5, b"x"), "name": "a\x00b"}

    opened = accept(about={"id": "r1", "project": "p", "name": "n", "created": 1.0, "config": config})

    assert opened.batch.about is not None
    kept = opened.batch.about.config
    assert kept["lr"] == "NaN"
    assert kept["mask"] == "b'\\x01'"
    assert "Ext" in str(kept["when"])
    assert kept["name"] == "a\ufffdb"
    msgspec.json.encode(kept)


def test_nesting_without_end_is_refused_outside() -> None:
    start = content()
    bomb = bytes([start[0] + 1]) + start[1:] + msgspec.msgpack.encode("about") + b"\x91" * 100_000 + b"\xc0"

    with pytest.raises(ShapeError, match="nested too deeply; lists and objects may stand a few hundred deep"):
        codec.accept(framed(bomb))


def test_deep_nesting_inside_a_record_takes_only_what_is_too_deep() -> None:
    data: object = 1
    for _ in range(200):
        data = [data]

    opened = accept(events=[{**GOOD, "data": {"deep": data}}, GOOD])

    assert len(opened.batch.events) == 2
    assert "..." in str(opened.batch.events[0].data)
