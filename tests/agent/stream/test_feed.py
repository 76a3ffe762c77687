"""The outlet onto the ring: cheap, fenced, and inert in a forked child."""

import os
from array import array

from ergoscope.sidecar.reader import RingReader
from ergoscope.stream.entries import Kind, unpack_keys, unpack_record, unpack_row
from ergoscope.stream.feed import Feed, Nowhere
from ergoscope.stream.overflow import ROW_BYTES, Overflow
from ergoscope.stream.ring import Ring, RingWriter, Word
from ergoscope_contract.records import Ending, Event, Histogram


def entries(ring: Ring) -> list[tuple[int, bytes]]:
    reader = RingReader(ring, start=0, clock=lambda: 0.0)
    found = list(reader.records(1 << 30))
    reader.release()
    return found


def test_a_row_arrives_with_its_table_step_and_values(ring: Ring) -> None:
    feed = Feed(ring)
    values = array("f", [1.5, -2.0]).tobytes()

    table = feed.table(["a", "b"])
    feed.row(table, -3, values)

    (keys_kind, keys), (row_kind, row) = entries(ring)
    assert (keys_kind, unpack_keys(keys)) == (Kind.KEYS, (table, ["a", "b"]))
    assert row_kind == Kind.ROW
    number, step, _, width, data = unpack_row(row)
    assert (number, step, width, data) == (table, -3, 4, values)


def test_records_arrive_as_they_are(ring: Ring) -> None:
    event = Event(kind="note", wall=1.0, text="é")

    Feed(ring).record(event)

    assert [unpack_record(Kind(kind), payload) for kind, payload in entries(ring)] == [event]


def test_a_probes_mistakes_are_counted_and_never_raised(ring: Ring) -> None:
    feed = Feed(ring)
    table = feed.table(["a"])

    feed.row(table, 1, b"123")
    feed.row(99, 1, bytes(4))
    feed.row(table, 1 << 70, bytes(4))
    feed.row(table, 1, bytes(4), dtype="f2")
    feed.record("no record")  # type: ignore[arg-type]  # the mistake that is meant

    assert ring.words[Word.LOST] == 5


def test_names_that_did_not_fit_are_announced_before_the_first_row_that_does(ring: Ring) -> None:
    feed, filler = Feed(ring), RingWriter(ring)
    while filler.put(9, bytes(1000)):
        pass
    while filler.put(9, b""):
        pass
    lost = ring.words[Word.LOST]

    table = feed.table(["a"])
    feed.row(table, 1, bytes(4))
    entries(ring)
    feed.row(table, 2, bytes(4))

    assert [kind for kind, _ in entries(ring)] == [Kind.KEYS, Kind.ROW, Kind.ROW]
    assert ring.words[Word.LOST] == lost


def test_the_end_is_told_even_by_a_full_ring(ring: Ring) -> None:
    filler = RingWriter(ring)
    while filler.put(9, b""):
        pass

    Feed(ring).end(Ending(how="failed", wall=1.0))

    assert ring.words[Word.CLOSED] == 2


def test_a_forked_child_does_not_disturb_the_ring(ring: Ring) -> None:
    feed = Feed(ring)
    table = feed.table(["a"])
    before = ring.words[Word.WRITTEN]

    child = os.fork()
    if not child:
        feed.row(table, 1, bytes(4))
        feed.record(Event(kind="note", wall=1.0))
        feed.table(["b"])
        feed.end(Ending(how="finished", wall=1.0))
        os._exit(0)
    os.waitpid(child, 0)

    assert (ring.words[Word.WRITTEN], ring.words[Word.LOST], ring.words[Word.CLOSED]) == (before, 0, 0)


def test_nowhere_takes_everything() -> None:
    outlet = Nowhere()

    table = outlet.table(["a"])
    outlet.row(table, 1, b"anything")
    outlet.record(Event(kind="note", wall=1.0))
    outlet.end(Ending(how="finished", wall=1.0))

    assert table == 0


def fill(ring: Ring) -> None:
    filler = RingWriter(ring)
    while filler.offer(9, bytes(1000)):
        pass
    while filler.offer(9, b""):
        pass


def rows(ring: Ring) -> list[tuple[int, float]]:
    found = [unpack_row(payload) for kind, payload in entries(ring) if kind == Kind.ROW]
    return [(step, array("d", values)[0]) for _, step, _, _, values in found]


def test_rows_that_do_not_fit_wait_in_order_until_there_is_room(ring: Ring) -> None:
    feed = Feed(ring)
    table = feed.table(["a"])
    fill(ring)

    for step in range(100):
        feed.row(table, step, array("d", [step / 2]).tobytes(), dtype="f8")
    assert rows(ring) == []
    for step in range(100, 120):
        feed.row(table, step, array("d", [step / 2]).tobytes(), dtype="f8")
    feed.settle(5.0)

    assert rows(ring) == [(step, step / 2) for step in range(120)]
    assert ring.words[Word.LOST] == 0


def test_rows_that_were_thinned_are_counted_and_told_with_what_is_left(ring: Ring) -> None:
    feed = Feed(ring)
    feed._overflow = Overflow(limit=50 * (ROW_BYTES + 8))
    table = feed.table(["a"])
    fill(ring)
    for step in range(1000):
        feed.row(table, step, array("d", [1000.0 if step == 300 else 0.0]).tobytes(), dtype="f8")
    entries(ring)

    feed.settle(5.0)

    left = entries(ring)
    steps = [unpack_row(payload)[1] for kind, payload in left if kind == Kind.ROW]
    values = [array("d", unpack_row(payload)[4])[0] for kind, payload in left if kind == Kind.ROW]
    events = [unpack_record(Kind(kind), payload) for kind, payload in left if kind == Kind.EVENT]
    assert ring.words[Word.LOST] == 1000 - len(steps)
    assert (steps[0], steps[-1], max(values), min(values)) == (0, 999, 1000.0, 0.0)
    (event,) = events
    assert isinstance(event, Event)
    assert event.text.startswith("the sidecar did not keep up: between steps 1 and ")
    assert event.data["rows"] == ring.words[Word.LOST]


def test_events_wait_for_room_and_histograms_are_counted(ring: Ring) -> None:
    feed = Feed(ring)
    fill(ring)

    feed.record(Event(kind="note", wall=1.0))
    feed.record(Histogram("h", 1, 0, [1], [1]))
    assert ring.words[Word.LOST] == 1
    entries(ring)
    feed.settle(5.0)

    assert [kind for kind, _ in entries(ring)] == [Kind.EVENT]


def test_what_still_waits_when_time_is_up_is_counted(ring: Ring) -> None:
    feed = Feed(ring)
    table = feed.table(["a"])
    fill(ring)
    feed.row(table, 1, bytes(8), dtype="f8")
    feed.record(Event(kind="note", wall=1.0))

    feed.settle(0.02)

    assert ring.words[Word.LOST] == 2


def test_a_row_that_can_never_fit_stands_in_nobodys_way(ring: Ring) -> None:
    feed = Feed(ring)
    table, wide = feed.table(["a"]), feed.table([f"k{i}" for i in range(ring.capacity // 8)])

    feed.row(wide, 1, bytes(ring.capacity), dtype="f8")
    entries(ring)
    feed.row(table, 2, array("d", [0.5]).tobytes(), dtype="f8")

    assert ring.words[Word.LOST] == 1
    assert rows(ring) == [(2, 0.5)]


def test_the_sidecar_is_looked_after_now_and_then_on_the_way_of_a_row(ring: Ring) -> None:
    looks: list[int] = []
    feed = Feed(ring)
    table = feed.table(["a"])
    feed.attend(lambda: looks.append(1))

    for step in range(100):
        feed.row(table, step, bytes(8), dtype="f8")

    assert len(looks) == 1
