"""A slice of the loss is whole in itself: its arrays fit its axes, or it is refused with what was seen."""

import math
import re
from array import array

import msgspec
import pytest

from ergoscope_contract import codec
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.records import Batch, Grid
from ergoscope_contract.version import CONTRACT_VERSION


def doubles(*numbers: float) -> bytes:
    return array("d", numbers).tobytes()


LINE = {
    "key": "loss_slice",
    "step": 40,
    "request": "s1",
    "axes": ["steepest direction"],
    "scales": [1.0],
    "offsets": [doubles(-1, 0, 1)],
    "values": doubles(3, 2, 3),
}
PLANE = LINE | {
    "axes": ["last update", "gradient"],
    "scales": [0.1, 0.2],
    "offsets": [doubles(-1, 0, 1), doubles(-1, 1)],
    "values": doubles(*range(6)),
}
NONE = LINE | {"offsets": [], "values": b"", "scales": [], "axes": []}


def grid(given: dict[str, object], **fields: object) -> Grid:
    return Grid(**(given | fields))  # type: ignore[arg-type]  # the fields under test are wrong on purpose


@pytest.mark.parametrize(
    "sent",
    [
        grid(LINE),
        grid(LINE, values=doubles(float("nan"), 2, 3), partial=True),
        grid(LINE, running=doubles(1, 1, 1), mode="batch statistics", curvatures=[2.0], slopes=[0.1], update=0.02),
        grid(PLANE),
        grid(PLANE, curvatures=[2.0, 1.0], slopes=[0.1, 0.2]),
        grid(PLANE, curvatures=[2.0, 1.0, 0.5]),
        grid(NONE, refused="the model draws random numbers in its forward pass"),
    ],
)
def test_a_grid_comes_back_as_it_went(sent: Grid) -> None:
    batch = Batch(CONTRACT_VERSION, "r1", 7, 0, 0, grids=[sent])

    assert codec.decode(codec.encode(batch)) == batch
    assert codec.decode_json(msgspec.json.encode(batch)).grids[0].request == "s1"


def test_a_batch_without_grids_is_as_it_was_before_there_were_any() -> None:
    before = {"version": 1, "run": "r1", "attempt": 7, "rank": 0, "seq": 0}

    assert msgspec.convert(before, Batch).grids == []
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Batch(1, "r1", 7, 0, 0))) == before


@pytest.mark.parametrize(
    ("given", "fields", "text"),
    [
        (NONE, {"refused": "no", "partial": True}, "the slice is refused and partial; a refusal is final"),
        (NONE, {"refused": "no", "values": doubles(1)}, "refused, yet holds offsets or values; leave them empty"),
        (NONE, {"refused": "no", "running": doubles(1)}, "refused, yet holds offsets or values; leave them empty"),
        (NONE, {"refused": "no", "offsets": [doubles(1)]}, "refused, yet holds offsets or values; leave them empty"),
        (LINE, {"axes": []}, "0 axes; allowed: 1 or 2"),
        (LINE, {"axes": ["a", "b", "c"]}, "3 axes; allowed: 1 or 2"),
        (LINE, {"scales": [1.0, 1.0]}, "2 scales for 1 axes; give one an axis"),
        (PLANE, {"offsets": [doubles(0)]}, "1 offsets for 2 axes; give one an axis"),
        (LINE, {"curvatures": [1.0, 2.0]}, "2 curvatures for 1 axes; allowed: 0 or 1"),
        (PLANE, {"curvatures": [1.0]}, "1 curvatures for 2 axes; allowed: 0 or 2 or 3"),
        (PLANE, {"slopes": [1.0]}, "1 slopes for 2 axes; allowed: 0 or 2"),
        (LINE, {"offsets": [b"1234567"]}, r"offsets\[0\] hold 7 bytes; packed float64 needs a multiple of 8"),
        (LINE, {"offsets": [b""]}, r"offsets\[0\] hold 0 points; allowed: 1 to 41"),
        (PLANE, {"offsets": [doubles(0), bytes(8 * 42)]}, r"offsets\[1\] hold 42 points; allowed: 1 to 41"),
        (LINE, {"values": doubles(1, 2)}, "values hold 16 bytes; these offsets need 24"),
        (PLANE, {"values": doubles(1, 2, 3)}, "values hold 24 bytes; these offsets need 48"),
        (LINE, {"running": doubles(1)}, "running holds 8 bytes; these offsets need 24, or none"),
        (LINE, {"scales": [math.inf]}, r"scales\[0\] is inf; it must be finite"),
        (PLANE, {"slopes": [0.1, math.nan]}, r"slopes\[1\] is nan; it must be finite"),
        (LINE, {"curvatures": [-math.inf]}, r"curvatures\[0\] is -inf; it must be finite"),
        (LINE, {"update": math.nan}, "update is nan; it must be finite, or left out"),
        (NONE, {"refused": "no", "update": math.inf}, "update is inf; it must be finite, or left out"),
    ],
)
def test_a_grid_that_contradicts_itself_is_refused(
    given: dict[str, object], fields: dict[str, object], text: str
) -> None:
    with pytest.raises(ShapeError, match=text):
        grid(given, **fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"how": "x" * 257}, "Expected `str` of length <= 256 - at `$.how`"),
        ({"batch": "x" * 257}, "Expected `str` of length <= 256 - at `$.batch`"),
        ({"mode": "x" * 257}, "Expected `str` of length <= 256 - at `$.mode`"),
        ({"axes": ["x" * 257]}, "Expected `str` of length <= 256 - at `$.axes["),
        ({"refused": "x" * 2049}, "Expected `str` of length <= 2048 - at `$.refused`"),
        ({"refused": "no", "axes": ["x"] * 3}, "Expected `array` of length <= 2 - at `$.axes`"),
        ({"refused": "no", "scales": [1.0] * 3}, "Expected `array` of length <= 2 - at `$.scales`"),
        ({"refused": "no", "curvatures": [1.0] * 4}, "Expected `array` of length <= 3 - at `$.curvatures`"),
        ({"refused": "no", "slopes": [1.0] * 3}, "Expected `array` of length <= 2 - at `$.slopes`"),
    ],
)
def test_a_grid_with_more_to_say_than_there_is_is_refused(fields: dict[str, object], text: str) -> None:
    content = {"version": 1, "run": "r1", "attempt": 7, "rank": 0, "seq": 0, "grids": [NONE | LINE | fields]}

    (refused,) = codec.accept_json(msgspec.json.encode(content)).refused
    assert (refused.where, refused.reason[: len(text)]) == ("grids[0]", text)
    with pytest.raises(msgspec.ValidationError, match=re.escape(text)):
        msgspec.msgpack.decode(msgspec.msgpack.encode(NONE | LINE | fields), type=Grid)


def test_a_wrong_grid_is_refused_alone() -> None:
    content = {"version": 1, "run": "r1", "attempt": 7, "rank": 0, "seq": 0, "grids": [LINE, LINE | {"values": b""}]}

    opened = codec.accept_json(msgspec.json.encode(content))

    assert len(opened.batch.grids) == 1
    assert [(r.where, r.reason) for r in opened.refused] == [("grids[1]", "values hold 0 bytes; these offsets need 24")]
