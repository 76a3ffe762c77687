"""Rows become columns and come back; what cannot be kept is refused alone."""

import math
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_contract.columns import MAX_REFUSED, Column, pack_block, unpack
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.records import Batch, Block
from ergoscope_contract.version import CONTRACT_VERSION

STEP = st.integers(-(2**63), 2**63 - 1)
LOW, HIGH = -(2**63), 2**63 - 1


def batch(*blocks: Block, keys: tuple[str, ...] = ("loss", "acc")) -> Batch:
    return Batch(CONTRACT_VERSION, "r1", 7, 0, 0, keys=list(keys), blocks=list(blocks))


def steps(*numbers: int) -> bytes:
    return array("q", numbers).tobytes()


def doubles(*numbers: float) -> bytes:
    return array("d", numbers).tobytes()


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[list[float]]]:
    rows = draw(st.lists(STEP, max_size=6))
    width = draw(st.integers(1, 4))
    return rows, [draw(st.lists(st.floats(), min_size=width, max_size=width)) for _ in rows]


@given(tables())
def test_what_is_packed_comes_back_column_by_column(table: tuple[list[int], list[list[float]]]) -> None:
    given_steps, rows = table
    width = len(rows[0]) if rows else 1
    names = tuple(f"k{j}" for j in range(width))

    block = pack_block(range(width), given_steps, [v for row in rows for v in row])
    unpacked = unpack(batch(block, keys=names))

    assert unpacked.refused == []
    assert [c.key for c in unpacked.columns] == (list(names) if rows else [])
    for j, column in enumerate(unpacked.columns):
        assert list(array("q", column.steps)) == given_steps
        assert column.values == doubles(*(row[j] for row in rows))


def test_float32_columns_stay_float32() -> None:
    block = pack_block([1, 0], [5, 6], [0.5, 1.5, 2.5, 3.5], dtype="f4", wall=(10.0, 11.0))

    columns = unpack(batch(block)).columns

    assert columns == [
        Column("acc", steps(5, 6), struct.pack("<2f", 0.5, 2.5), "f4", (10.0, 11.0)),
        Column("loss", steps(5, 6), struct.pack("<2f", 1.5, 3.5), "f4", (10.0, 11.0)),
    ]


def test_bytes_are_little_endian_whatever_the_machine() -> None:
    block = pack_block([0], [1], [1.0])

    assert block.steps == b"\x01" + bytes(7)
    assert block.values == bytes.fromhex("000000000000f03f")


def test_nan_payloads_survive_in_packed_and_listed_columns() -> None:
    bits = struct.pack("<2Q", 0x7FF8DEADBEEF0001, 0xFFF0000000000000)
    listed = list(struct.unpack("<2d", bits))

    packed = Block(keys=[0], steps=steps(1, 2), values=bits)
    handwritten = Block(keys=[1], steps=steps(1, 2), values=[[*listed]])

    assert [c.values for c in unpack(batch(packed, handwritten)).columns] == [bits, bits]


@pytest.mark.parametrize("step", [LOW, HIGH])
def test_steps_at_the_ends_of_int64_are_kept(step: int) -> None:
    block = Block(keys=[0], steps=[step], values=[[1.0]])

    assert unpack(batch(block)).columns[0].steps == steps(step)
    assert pack_block([0], [step], [1.0]).steps == steps(step)


@pytest.mark.parametrize("step", [LOW - 1, HIGH + 1])
def test_steps_beyond_int64_are_refused(step: int) -> None:
    unpacked = unpack(batch(Block(keys=[0], steps=[step], values=[[1.0]]), pack_block([1], [1], [2.0])))

    assert [c.key for c in unpacked.columns] == ["acc"]
    assert [(r.where, r.reason) for r in unpacked.refused] == [("blocks[0]", "a step is outside the 64-bit integers")]
    with pytest.raises(ShapeError, match="a step is outside the 64-bit integers"):
        pack_block([0], [step], [1.0])


def test_packing_refuses_values_that_do_not_fill_the_rows() -> None:
    with pytest.raises(ShapeError, match="3 values do not fill 2 rows of 2 columns"):
        pack_block([0, 1], [1, 2], [1.0, 2.0, 3.0])


def test_packing_refuses_another_dtype() -> None:
    with pytest.raises(ShapeError, match="dtype is 'f2'; allowed: 'f4', 'f8'"):
        pack_block([0], [1], [1.0], dtype="f2")


def test_steps_in_any_order_and_repeated_are_kept_as_they_came() -> None:
    block = pack_block([0], [5, 3, 5, -1], [1.0, 2.0, 3.0, 4.0])

    assert list(array("q", unpack(batch(block)).columns[0].steps)) == [5, 3, 5, -1]


def test_a_block_without_rows_gives_no_columns() -> None:
    blocks = (pack_block([0, 1], [], []), Block(keys=[0], steps=[], values=[[]]), Block(keys=[], steps=[1], values=b""))

    assert unpack(batch(*blocks)) == unpack(batch())


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (Block([0], bytes(7), bytes(8)), "steps hold 7 bytes; packed int64 needs a multiple of 8"),
        (Block([0], bytes(8), bytes(4)), "values hold 4 bytes; 1 steps of 1 series as f8 need 8"),
        (Block([0, 1], bytes(8), bytes(12), "f4"), "values hold 12 bytes; 1 steps of 2 series as f4 need 8"),
        (Block([0], [1], [[1.0], [2.0]]), "values hold 2 columns; the block names 1 series"),
    ],
)
def test_a_block_that_does_not_fit_together_is_refused_alone(block: Block, reason: str) -> None:
    unpacked = unpack(batch(block, pack_block([1], [1], [2.0])))

    assert [c.key for c in unpacked.columns] == ["acc"]
    assert [(r.where, r.reason) for r in unpacked.refused] == [("blocks[0]", reason)]


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (4, "key index 4 is outside the key table of 4 names"),
        (-1, "key index -1 is outside the key table of 4 names"),
        (0, "'loss' is there twice in one block; give a series once"),
        (2, "'' is no name; allowed: 1 to 512 characters without NUL"),
        (3, r"'a\x00b' is no name; allowed: 1 to 512 characters without NUL"),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_series_without_a_usable_name_is_refused_alone(index: int, reason: str, listed: bool) -> None:
    values: bytes | list[list[object]] = [[1.0], [2.0], [3.0]] if listed else doubles(1.0, 2.0, 3.0)
    block = Block(keys=[0, index, 1], steps=[9], values=values)

    unpacked = unpack(batch(block, keys=("loss", "acc", "", "a\x00b")))

    assert [(c.key, c.values) for c in unpacked.columns] == [("loss", doubles(1.0)), ("acc", doubles(3.0))]
    assert [(r.where, r.reason) for r in unpacked.refused] == [("blocks[0].keys[1]", reason)]


def test_a_name_longer_than_a_table_can_hold_is_refused() -> None:
    unpacked = unpack(batch(pack_block([0], [1], [1.0]), keys=("x" * 513,)))

    assert unpacked.columns == []
    assert "is no name; allowed: 1 to 512 characters" in unpacked.refused[0].reason


@pytest.mark.parametrize("wall", [(-1.0, 5.0), (math.nan, 1.0), (1.0, math.inf), (1.0, 1e12)])
def test_times_that_cannot_be_are_refused_and_the_values_kept(wall: tuple[float, float]) -> None:
    unpacked = unpack(batch(pack_block([0], [1], [1.0], wall=wall)))

    assert unpacked.columns == [Column("loss", steps(1), doubles(1.0), "f8", None)]
    assert unpacked.refused[0].where == "blocks[0].wall"
    assert "are no times; allowed: Unix seconds, finite and not negative" in unpacked.refused[0].reason


def test_a_clock_that_was_set_back_is_kept_as_it_was() -> None:
    assert unpack(batch(pack_block([0], [1], [1.0], wall=(20.0, 10.0)))).columns[0].wall == (20.0, 10.0)


def test_each_value_of_a_handwritten_column_is_judged_alone() -> None:
    given_values: list[object] = [1, True, "NaN", None, "-Infinity", "much", [1], {"a": 1}, 10**400, -(10**400), 0.5]
    block = Block(keys=[0], steps=list(range(11)), values=[given_values])

    unpacked = unpack(batch(block))

    column = unpacked.columns[0]
    assert list(array("q", column.steps)) == [0, 1, 2, 4, 8, 9, 10]
    kept = list(array("d", column.values))
    assert math.isnan(kept[2])
    assert kept[:2] + kept[3:] == [1.0, 1.0, -math.inf, math.inf, -math.inf, 0.5]
    assert {r.where: r.reason for r in unpacked.refused} == {
        f"blocks[0].loss[{i}]": f"{seen} is not a number; allowed: numbers, 'NaN', 'Infinity', '-Infinity'"
        for i, seen in ((3, "None"), (5, "'much'"), (6, "[1]"), (7, "{'a': 1}"))
    }


def test_a_column_of_another_length_is_refused_alone() -> None:
    block = Block(keys=[0, 1], steps=[1, 2], values=[[1.0], [1.0, 2.0]])

    unpacked = unpack(batch(block))

    assert [c.key for c in unpacked.columns] == ["acc"]
    assert [(r.where, r.reason) for r in unpacked.refused] == [
        ("blocks[0].loss", "1 values for 2 steps; give one a step")
    ]


def test_thousands_of_refusals_are_counted_and_not_told_one_by_one() -> None:
    block = Block(keys=[0], steps=list(range(5000)), values=[[None] * 5000])

    refused = unpack(batch(block)).refused

    assert len(refused) == MAX_REFUSED + 1
    assert refused[-1].reason == "4800 more values or series were refused"
