"""From a batch as sent to an arrival that can be stored; what cannot be kept is refused alone, with its reason."""

import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ergoscope_contract.answers import Refusal
from ergoscope_contract.columns import MAX_KEY, Column, unpack
from ergoscope_contract.envelope import check_run
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.records import Batch, Block, Histogram, Run, Sketch, Spectrum
from ergoscope_server.store.arrivals import Arrival, ShapeRow
from ergoscope_server.store.entry import WALL, Entry, Rows
from ergoscope_server.store.points import FloatArray

STEP_LIMIT = 2**62
NAME_LIMIT = 256
LATEST = 1e11  # Unix seconds
PACE = "step_time"
HEADLINE = ("loss", "lr", "grad_norm", PACE, "agent_overhead")
MOST_REFUSALS = 100
MOST_RANK = 999_999
NOTHING: Mapping[int, str] = {}
SAID = ""  # in the place of a reason: it was told once, for all columns of that name

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_pack = msgspec.msgpack.encode


def check(
    batch: Batch, *, received: float, refused: list[Refusal], beyond: Mapping[int, str] = NOTHING
) -> tuple[Arrival, int]:
    """Give what can be stored of a batch and the number of values in it; adds to `refused` what cannot.

    Args:
        batch: As the codec read it.
        received: Unix time.
        refused: Takes one entry for each value, column or record that is left out.
        beyond: Names of the key table for which the run has no room, by number, with the reason.

    Raises:
        ShapeError: the rank is beyond what is allowed.
    """
    if batch.rank > MOST_RANK:
        raise ShapeError(f"rank is {batch.rank}; at most {MOST_RANK} is allowed")
    refused.extend(Refusal(f"keys[{number}]", reason) for number, reason in beyond.items())
    faults = _faults(batch.keys) | dict.fromkeys(beyond, SAID)
    rows = [r for number in range(len(batch.blocks)) for r in _block(batch, number, faults, refused)]
    pulse_step = batch.pulse.last_step if batch.pulse is not None else None
    arrival = Arrival(
        run=batch.run,
        attempt=batch.attempt,
        rank=batch.rank,
        seq=batch.seq,
        received=received,
        entry=Entry(batch.keys, rows).pack(),
        last_step=pulse_step if pulse_step is not None else _last_step(rows),
        latest=_latest(batch.keys, rows),
        shapes=_shapes(batch, refused),
        grids=[g for i, g in enumerate(batch.grids) if _sayable(g.request, f"grids[{i}].request", refused)],
        events=[p for i, e in enumerate(batch.events) if (p := _packed(e, f"events[{i}]", refused)) is not None],
        about=_about(batch.about, refused),
        begun=None if batch.begun is None or _packed(batch.begun, "begun", refused) is None else batch.begun,
        pulse=batch.pulse,
        ended=batch.ended,
    )
    return arrival, sum(len(r.keys) * (len(r.steps) // 8) for r in rows)


def cap(refused: list[Refusal]) -> list[Refusal]:
    """Keep an answer short: the first refusals, and how many more there are."""
    if len(refused) <= MOST_REFUSALS:
        return refused
    more = len(refused) - MOST_REFUSALS
    return [*refused[:MOST_REFUSALS], Refusal("", f"and {more} more refusals like these")]


def _faults(names: Sequence[str]) -> dict[int, str]:
    """Say by number of names why no series can be kept under them."""
    lengths = list(map(len, names))
    # As a rule nothing is wrong, and one look at all is much quicker than hundreds.
    if all(lengths) and max(lengths, default=0) <= MAX_KEY and WALL not in names and "".join(names).isprintable():
        return {}
    faults: dict[int, str] = {}
    for number, name in enumerate(names):
        if not 0 < len(name) <= MAX_KEY:
            faults[number] = "the contract has its own words for it"
        elif _CONTROL.search(name):
            faults[number] = f"{name!r:.80} holds a control character; leave it out"
        elif name == WALL:
            faults[number] = f"{WALL!r} is made by the server from the blocks' times; use another name"
    return faults


def _block(batch: Batch, number: int, faults: dict[int, str], refused: list[Refusal]) -> list[Rows]:
    block, where = batch.blocks[number], f"blocks[{number}]"
    if isinstance(block.steps, bytes) and isinstance(block.values, bytes) and _sound(block, len(batch.keys), faults):
        # As a rule nothing is wrong, and the packed block is kept as it came.
        return [Rows(block.keys, block.steps, block.values, block.dtype, block.wall)] if block.steps else []
    unpacked = unpack(replace(batch, blocks=[block]))
    refused.extend(Refusal(r.where.replace("blocks[0]", where, 1), r.reason) for r in unpacked.refused)
    index = {name: i for i, name in reversed(list(enumerate(batch.keys)))}
    rows: list[Rows] = []
    for column in unpacked.columns:
        key = index[column.key]
        if faults.get(key) == SAID:
            continue
        if key in faults:
            refused.append(Refusal(f"{where}.keys", faults[key]))
        else:
            rows.extend(_rows(column, key, where, refused))
    # The block's times are worth two points, not two a column: they stay with the column that lost the fewest rows.
    timed = max(rows, key=lambda one: len(one.steps), default=None)
    return [one if one is timed else replace(one, wall=None) for one in rows]


def _sound(block: Block, names: int, faults: dict[int, str]) -> bool:
    """Whether every value of a packed block can be kept."""
    assert isinstance(block.steps, bytes)
    rows, rest = divmod(len(block.steps), 8)
    size = rows * len(block.keys) * (4 if block.dtype == "f4" else 8)
    keys = set(block.keys)
    if rest or len(block.values) != size or not keys or len(keys) < len(block.keys):
        return False
    if min(keys) < 0 or max(keys) >= names or not keys.isdisjoint(faults):
        return False
    if block.wall is not None and not all(0 <= time < LATEST for time in block.wall):
        return False
    steps = np.frombuffer(block.steps, "<i8")
    return not rows or bool(steps.min() >= -STEP_LIMIT and steps.max() <= STEP_LIMIT)


def _rows(column: Column, key: int, where: str, refused: list[Refusal]) -> list[Rows]:
    steps = np.frombuffer(column.steps, "<i8")
    values = np.frombuffer(column.values, "<" + column.dtype)
    inside = (steps >= -STEP_LIMIT) & (steps <= STEP_LIMIT)
    for i in np.flatnonzero(~inside):
        reason = f"step {steps[i]} is outside ±2^62; steps count from the start of the training"
        refused.append(Refusal(f"{where}.{column.key}[{i}]", reason))
    steps, values = steps[inside], values[inside]
    if not len(steps):
        return []
    return [Rows([key], steps.tobytes(), values.tobytes(), "f4" if column.dtype == "f4" else "f8", column.wall)]


def _last_step(rows: Sequence[Rows]) -> int | None:
    return max((int(r.step_array().max()) for r in rows), default=None)


def _latest(names: Sequence[str], rows: Sequence[Rows]) -> dict[str, float]:
    wanted = {i: name for i, name in enumerate(names) if name in HEADLINE}
    if not wanted:
        return {}
    return {
        wanted[key]: _newest(wanted[key], r.value_array()[column])
        for r in rows
        for column, key in enumerate(r.keys)
        if key in wanted
    }


def _newest(name: str, values: FloatArray) -> float:
    """Give the last value; of the time of a step the median of the batch, as a single step may hold anything."""
    finite = values[np.isfinite(values)] if name == PACE else values[:0]
    return float(np.median(finite)) if finite.size else float(values[-1])


def _about(run: Run | None, refused: list[Refusal]) -> Run | None:
    if run is None:
        return None
    for field, text in (("project", run.project), ("name", run.name)):
        if not 0 < len(text) <= NAME_LIMIT or _CONTROL.search(text):
            reason = f"{text!r:.80} is no name; allowed: 1 to {NAME_LIMIT} characters, none of them a control character"
            refused.append(Refusal(f"about.{field}", reason))
            return None
    if run.fork is not None and (fault := _no_fork(run)):
        refused.append(Refusal("about.fork", fault))
        run = replace(run, fork=None)
    return None if _packed(run, "about", refused) is None else run


def _no_fork(run: Run) -> str:
    """Say why a run cannot be forked as it says; empty where it can."""
    assert run.fork is not None
    try:
        check_run(run.fork.run)
    except ShapeError as error:
        return str(error)
    if run.fork.run == run.id:
        return f"run {run.id!r} is said to be forked from itself; name the run that it goes on from"
    if not -STEP_LIMIT <= run.fork.step <= STEP_LIMIT:
        return f"step {run.fork.step} is outside ±2^62; steps count from the start of the training"
    return ""


def _packed(record: Struct, where: str, refused: list[Refusal]) -> bytes | None:
    try:
        return _pack(record)
    except OverflowError:
        refused.append(Refusal(where, "it holds an integer beyond 64 bits; send it as text"))
    return None


def _shapes(batch: Batch, refused: list[Refusal]) -> list[ShapeRow]:
    kinds: list[tuple[str, str, Sequence[Histogram | Sketch | Spectrum]]] = [
        ("histogram", "histograms", batch.histograms),
        ("sketch", "sketches", batch.sketches),
        ("spectrum", "spectra", batch.spectra),
    ]
    kept: dict[tuple[str, str, int], ShapeRow] = {}
    for kind, table, records in kinds:
        for i, record in enumerate(records):
            if not _sayable(record.key, f"{table}[{i}].key", refused):
                continue
            if (data := _packed(record, f"{table}[{i}]", refused)) is not None:
                # Of several at one step the last stands.
                kept[kind, record.key, record.step] = ShapeRow(kind, record.key, record.step, data)
    return list(kept.values())


def _sayable(name: str, where: str, refused: list[Refusal]) -> bool:
    """Whether something can be kept under this name; says so where it cannot."""
    if _CONTROL.search(name):
        refused.append(Refusal(where, f"{name!r:.80} holds a control character; leave it out"))
        return False
    return True
