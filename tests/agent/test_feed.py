"""The outlet onto the ring: cheap, fenced, and inert in a forked child."""

import os
from array import array

from ergoscope.entries import Kind, unpack_keys, unpack_record, unpack_row
from ergoscope.feed import Feed, Nowhere
from ergoscope.ring import Ring, RingWriter, Word
from ergoscope.sidecar.reader import RingReader
from ergoscope_contract.records import Ending, Event


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
    assert ring.words[Word.LOST] > lost
    entries(ring)
    feed.row(table, 2, bytes(4))

    assert [kind for kind, _ in entries(ring)] == [Kind.KEYS, Kind.ROW]


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
