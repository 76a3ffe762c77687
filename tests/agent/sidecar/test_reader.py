"""The reader takes whole records only."""

from ergoscope.sidecar.reader import RingReader
from ergoscope.stream.ring import HEAD, Ring, RingWriter, Word


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_record_that_is_not_whole_yet_is_waited_for(ring: Ring) -> None:
    RingWriter(ring).put(5, b"half")
    last = HEAD.size + 3
    ring.data[last], whole = 0, ring.data[last]
    reader = RingReader(ring, start=0, clock=Clock())

    before = list(reader.records(1 << 20))
    ring.data[last] = whole

    assert before == []
    assert list(reader.records(1 << 20)) == [(5, b"half")]
    assert reader.damaged == 0


def test_a_record_that_stays_broken_is_passed_over_and_counted(ring: Ring) -> None:
    clock = Clock()
    writer = RingWriter(ring)
    writer.put(5, b"broken")
    ring.data[HEAD.size] ^= 1
    reader = RingReader(ring, start=0, clock=clock)

    assert list(reader.records(1 << 20)) == []
    clock.now = 2.0
    assert list(reader.records(1 << 20)) == []
    writer.put(5, b"sound")

    assert list(reader.records(1 << 20)) == [(5, b"sound")]
    assert reader.damaged == 1


def test_what_an_earlier_lap_left_is_not_taken_for_new(ring: Ring) -> None:
    writer, reader = RingWriter(ring), RingReader(ring, start=0, clock=Clock())
    size = ring.capacity // 4 - HEAD.size
    for _ in range(4):
        writer.put(5, bytes(size))
    assert len(list(reader.records(1 << 20))) == 4
    reader.release()

    ring.words[Word.WRITTEN] += ring.capacity // 4  # announced, but the old record still lies there

    assert list(reader.records(1 << 20)) == []


def test_space_is_free_only_after_release(ring: Ring) -> None:
    writer, reader = RingWriter(ring), RingReader(ring, start=0, clock=Clock())
    while writer.put(5, bytes(1000)):
        pass
    assert list(reader.records(1 << 20))

    assert not writer.put(5, bytes(1000))
    reader.release()
    assert writer.put(5, bytes(1000))


def test_a_reader_that_takes_over_begins_after_what_is_on_disk(ring: Ring) -> None:
    writer, first = RingWriter(ring), RingReader(ring, start=0, clock=Clock())
    writer.put(5, b"on disk")
    assert list(first.records(1 << 20))
    writer.put(5, b"not yet")

    second = RingReader(ring, start=first.position, clock=Clock())

    assert list(second.records(1 << 20)) == [(5, b"not yet")]
