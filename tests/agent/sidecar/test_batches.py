"""Rows of a table become columns; what cannot be understood is counted."""

from array import array

from ergoscope.sidecar.batches import Gathering
from ergoscope.stream.entries import Kind, pack_keys, pack_record, pack_row
from ergoscope_contract.codec import decode, encode
from ergoscope_contract.columns import unpack
from ergoscope_contract.records import Attempt, Event, Histogram, Pulse, Run

RUN = Run(id="r", project="p", name="n", created=0.0)
ATTEMPT = Attempt(number=1, started=0.0)
PULSE = Pulse(wall=0.0)


def row(table: int, step: int, wall: float, *values: float, code: str = "d") -> tuple[int, bytes]:
    packed = array(code, values)
    return Kind.ROW, pack_row(table, step, wall, packed.itemsize, packed.tobytes())


def gathered(*entries: tuple[int, bytes]) -> Gathering:
    gathering = Gathering({})
    for entry in entries:
        gathering.add(*entry)
    return gathering


def test_rows_of_one_table_become_one_block_of_columns() -> None:
    gathering = gathered(
        (Kind.KEYS, pack_keys(0, ["a", "b"])), row(0, 10, 1.0, 1.0, 2.0), row(0, 11, 2.0, 3.0, float("nan"))
    )

    batch = decode(encode(gathering.take(3, RUN, ATTEMPT, PULSE)))

    assert batch.keys == ["a", "b"]
    (block,) = batch.blocks
    assert block.wall == (1.0, 2.0)
    first, second = unpack(batch).columns
    assert list(memoryview(first.steps).cast("q")) == [10, 11]
    assert list(memoryview(first.values).cast("d")) == [1.0, 3.0]
    assert str(list(memoryview(second.values).cast("d"))) == "[2.0, nan]"


def test_tables_and_widths_are_kept_apart_and_share_the_names() -> None:
    gathering = gathered(
        (Kind.KEYS, pack_keys(0, ["a", "b"])),
        (Kind.KEYS, pack_keys(1, ["b"])),
        row(0, 1, 1.0, 1.0, 2.0, code="f"),
        row(1, 1, 1.0, 5.0),
        row(0, 2, 1.0, 1.0, 2.0),
    )

    batch = gathering.take(3, RUN, ATTEMPT, PULSE)

    assert batch.keys == ["a", "b"]
    assert [(block.keys, block.dtype) for block in batch.blocks] == [([0, 1], "f4"), ([1], "f8"), ([0, 1], "f8")]


def test_only_the_first_batch_says_who_the_run_is() -> None:
    gathering = Gathering({})

    first, second = (gathering.take(seq, RUN, ATTEMPT, PULSE) for seq in (0, 1))

    assert (first.about, first.begun) == (RUN, ATTEMPT)
    assert (second.about, second.begun) == (None, None)


def test_a_changed_run_is_told_in_the_next_batch() -> None:
    changed = Run(id="r", project="p", name="n", created=0.0, config={"lr": 0.1})
    gathering = gathered((Kind.ABOUT, pack_record(changed)))

    assert gathering.take(5, RUN, ATTEMPT, PULSE).about == changed
    assert gathering.take(6, RUN, ATTEMPT, PULSE).about is None


def test_records_travel_with_the_batch_once() -> None:
    histogram = Histogram(key="h", step=1, low=-3, positive=[1], negative=[2])
    event = Event(kind="note", wall=1.0)
    gathering = gathered((Kind.HISTOGRAM, pack_record(histogram)), (Kind.EVENT, pack_record(event)))

    batch, after = (gathering.take(seq, RUN, ATTEMPT, PULSE) for seq in (5, 6))

    assert (batch.histograms, batch.events) == ([histogram], [event])
    assert (after.histograms, after.events) == ([], [])


def test_what_cannot_be_understood_is_counted_and_the_rest_is_kept() -> None:
    gathering = gathered(
        row(9, 1, 1.0, 1.0),  # a table that was never named
        (Kind.KEYS, pack_keys(0, ["a"])),
        row(0, 1, 1.0, 1.0, 2.0),  # two values for one name
        (Kind.EVENT, b"\xc1"),
        (99, b""),
        row(0, 7, 1.0, 1.0),
    )

    assert gathering.strays == 4
    assert gathering.last_step == 7
    assert len(gathering.take(1, RUN, ATTEMPT, PULSE).blocks) == 1


def test_a_thousand_values_a_step_cost_less_than_ten_bytes_a_value_before_compression() -> None:
    import msgspec

    keys = [f"layer.{i}.weight/grad_norm" for i in range(1000)]
    rows = [row(0, step, 1.0, *[float(i) for i in range(1000)]) for step in range(20)]
    batch = gathered((Kind.KEYS, pack_keys(0, keys)), *rows).take(1, RUN, ATTEMPT, PULSE)

    assert len(msgspec.msgpack.encode(batch)) / 20_000 < 10


def test_events_of_a_job_of_several_ranks_say_of_which_rank_they_are() -> None:
    def data(attempt: Attempt) -> dict[str, object]:
        gathering = gathered((Kind.EVENT, pack_record(Event("thinned", 1.0, 65, "rarely", {"period": 4}))))
        return gathering.take(0, RUN, attempt, PULSE).events[0].data

    assert data(Attempt(1, 0.0, rank=1, world_size=2)) == {"rank": 1, "period": 4}
    assert data(Attempt(1, 0.0, rank=0, world_size=2)) == {"rank": 0, "period": 4}
    assert data(ATTEMPT) == {"period": 4}
