"""Rows to packed columns and back, value by value where a sender was careless."""

import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ergoscope_contract.answers import Refusal
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.jsonable import unspell
from ergoscope_contract.records import Batch, Block

MAX_KEY = 512
MAX_REFUSED = 200
_CODE = {"f4": "f", "f8": "d"}
_SIZE = {"f4": 4, "f8": 8}


@dataclass(frozen=True, slots=True)
class Column:
    """One series of one block: packed little-endian int64 steps and values of type `dtype`, equally many."""

    key: str
    steps: bytes
    values: bytes
    dtype: str
    wall: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a batch holds once every block was looked at: columns that are kept, and what was refused."""

    columns: list[Column]
    refused: list[Refusal]


@dataclass(slots=True)
class _Refused:
    """Refusals, up to a number that an answer can carry; those beyond are counted."""

    kept: list[Refusal] = field(default_factory=list)
    beyond: int = 0

    def add(self, where: str, reason: str) -> None:
        if len(self.kept) < MAX_REFUSED:
            self.kept.append(Refusal(where, reason))
        else:
            self.beyond += 1

    def all(self) -> list[Refusal]:
        more = [Refusal("blocks", f"{self.beyond} more values or series were refused")] if self.beyond else []
        return self.kept + more


def _little(numbers: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def pack_block(
    keys: Sequence[int],
    steps: Sequence[int],
    rows: Sequence[float],
    *,
    dtype: str = "f8",
    wall: tuple[float, float] | None = None,
) -> Block:
    """Turn rows into a block of columns.

    Args:
        keys: Indices into the batch's key table, one a column.
        steps: One step a row, in any order.
        rows: Row after row, len(steps) * len(keys) numbers.
        dtype: "f4" when every number is a float32 already, else "f8".
        wall: Time of the first and last row, Unix seconds.

    Raises:
        ShapeError: the number of values is not rows times columns, `dtype` is another, or a step is not an int64.
    """
    width = len(keys)
    if len(rows) != width * len(steps):
        raise ShapeError(f"{len(rows)} values do not fill {len(steps)} rows of {width} columns")
    if dtype not in _CODE:
        raise ShapeError(f"dtype is {dtype!r}; allowed: 'f4', 'f8'")
    flat: array[float] = array(_CODE[dtype], rows)
    columns: array[float] = array(_CODE[dtype])
    for j in range(width):
        columns.extend(flat[j::width])
    return Block(
        keys=list(keys),
        steps=_pack_steps(steps),
        values=_little(columns),
        dtype="f4" if dtype == "f4" else "f8",
        wall=wall,
    )


def unpack(batch: Batch) -> Unpacked:
    """Give the columns of a batch; a block, series or value that cannot be kept is refused alone, with its reason.

    Steps may come in any order and more than once. A block without rows gives no columns. At most MAX_REFUSED
    refusals are told one by one.
    """
    columns: list[Column] = []
    refused = _Refused()
    for number, block in enumerate(batch.blocks):
        where = f"blocks[{number}]"
        try:
            columns.extend(_columns(block, batch.keys, where, refused))
        except ShapeError as error:
            refused.add(where, str(error))
    return Unpacked(columns, refused.all())


def _columns(block: Block, names: Sequence[str], where: str, refused: _Refused) -> Iterator[Column]:
    steps = block.steps if isinstance(block.steps, bytes) else _pack_steps(block.steps)
    rows, rest = divmod(len(steps), 8)
    if rest:
        raise ShapeError(f"steps hold {len(steps)} bytes; packed int64 needs a multiple of 8")
    _check_width(block, rows)
    wall = _wall(block, where, refused)
    seen: set[int] = set()
    for j, index in enumerate(block.keys):
        reason = _stray(index, names, seen)
        if reason:
            refused.add(f"{where}.keys[{j}]", reason)
        elif isinstance(block.values, bytes):
            size = rows * _SIZE[block.dtype]
            values = block.values[j * size : (j + 1) * size]
            if values:
                yield Column(names[index], steps, values, block.dtype, wall)
        else:
            yield from _listed(names[index], block.values[j], steps, where, wall, refused)


def _check_width(block: Block, rows: int) -> None:
    if isinstance(block.values, bytes):
        size = rows * _SIZE[block.dtype] * len(block.keys)
        if len(block.values) != size:
            raise ShapeError(
                f"values hold {len(block.values)} bytes; {rows} steps of {len(block.keys)} series "
                f"as {block.dtype} need {size}"
            )
    elif len(block.values) != len(block.keys):
        raise ShapeError(f"values hold {len(block.values)} columns; the block names {len(block.keys)} series")


def _stray(index: int, names: Sequence[str], seen: set[int]) -> str:
    """Say why a column cannot be kept under its key, or nothing."""
    if not 0 <= index < len(names):
        return f"key index {index} is outside the key table of {len(names)} names"
    if index in seen:
        return f"{names[index]!r:.80} is there twice in one block; give a series once"
    seen.add(index)
    if not 0 < len(names[index]) <= MAX_KEY or "\x00" in names[index]:
        return f"{names[index]!r:.80} is no name; allowed: 1 to {MAX_KEY} characters without NUL"
    return ""


def _wall(block: Block, where: str, refused: _Refused) -> tuple[float, float] | None:
    if block.wall is None or all(0 <= time < 1e11 for time in block.wall):  # false for NaN too
        return block.wall
    refused.add(f"{where}.wall", f"{block.wall} are no times; allowed: Unix seconds, finite and not negative")
    return None


def _pack_steps(steps: Sequence[int]) -> bytes:
    try:
        return _little(array("q", steps))
    except OverflowError:
        raise ShapeError("a step is outside the 64-bit integers") from None


def _listed(
    name: str, given: list[object], steps: bytes, where: str, wall: tuple[float, float] | None, refused: _Refused
) -> Iterator[Column]:
    rows = len(steps) // 8
    if len(given) != rows:
        refused.add(f"{where}.{name}", f"{len(given)} values for {rows} steps; give one a step")
        return
    kept, values = bytearray(), array("d")
    for i, value in enumerate(given):
        try:
            values.append(_number(value))
        except ShapeError as error:
            refused.add(f"{where}.{name}[{i}]", str(error))
        else:
            kept += steps[8 * i : 8 * i + 8]
    if values:
        yield Column(name, bytes(kept), _little(values), "f8", wall)


def _number(value: object) -> float:
    if isinstance(value, int):  # booleans too: a flag is 0 or 1
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, float | str):
        return unspell(value)
    raise ShapeError(f"{value!r:.60} is not a number; allowed: numbers, 'NaN', 'Infinity', '-Infinity'")
