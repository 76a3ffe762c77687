"""The mailbox: what was written whole is read once, and nobody waits."""

from collections.abc import Callable, Iterator

import pytest

from ergoscope.errors import RingError
from ergoscope.stream.feed import Feed
from ergoscope.stream.mailbox import LETTER, LONGEST, MailboxReader, MailboxWriter, Slot
from ergoscope.stream.ring import Ring, Word
from ergoscope_contract.records import Event
from ergoscope_contract.slices import SliceRequest

FIRST = SliceRequest("s1", axes="update", dimensions=2, points=11, extent=0.25, share=0.5)
SECOND = SliceRequest("s2")


@pytest.fixture
def sidecar(ring: Ring) -> Iterator[Ring]:
    """The same ring, as the other process has mapped it."""
    mapped = Ring.open(ring.path)
    yield mapped
    mapped.close()


def test_what_is_asked_is_read_once_by_the_other_side(ring: Ring, sidecar: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(sidecar)

    before = reader.take()
    writer.post([FIRST, SECOND])

    assert before is None
    assert reader.take() == [FIRST, SECOND]
    assert reader.take() is None


def test_what_is_repeated_is_not_written_again(ring: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)
    writer.post([FIRST])
    reader.take()
    counter = ring.words[Slot.COUNTER]

    writer.post([FIRST])

    assert ring.words[Slot.COUNTER] == counter
    assert reader.take() is None


def test_a_receipt_without_requests_writes_nothing(ring: Ring) -> None:
    MailboxWriter(ring).post([])

    assert ring.words[Slot.COUNTER] == 0


def test_a_new_letter_takes_the_place_of_the_one_before(ring: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)

    writer.post([FIRST])
    writer.post([SECOND])

    assert reader.take() == [SECOND]


def test_that_nothing_is_asked_any_more_is_news_too(ring: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)
    writer.post([FIRST])
    reader.take()

    writer.post([])

    assert reader.take() == []
    assert reader.take() is None


def test_a_letter_that_is_being_written_is_read_when_it_is_whole(ring: Ring) -> None:
    reader = MailboxReader(ring)
    MailboxWriter(ring).post([FIRST])
    ring.words[Slot.COUNTER] -= 1  # as between the first and the last thing that the writer does

    during = reader.take()
    ring.words[Slot.COUNTER] += 1

    assert during is None
    assert reader.take() == [FIRST]


def test_bytes_that_are_not_there_yet_are_waited_for_to_the_next_step(ring: Ring) -> None:
    reader = MailboxReader(ring)
    MailboxWriter(ring).post([FIRST])
    last = ring.header[LETTER + 3]
    ring.header[LETTER + 3] = last ^ 1  # as on a machine that shows the counter before the letter

    torn = [reader.take() for _ in range(3)]
    ring.header[LETTER + 3] = last

    assert torn == [None, None, None]
    assert reader.take() == [FIRST]


class Interrupted:
    """Bytes in whose midst something happens."""

    def __init__(self, given: memoryview, then: Callable[[], None]) -> None:
        self.given, self.then = given, then

    def __getitem__(self, place: slice) -> bytes:
        half = bytes(self.given[place])
        self.then()
        return half


def test_a_letter_that_changes_while_it_is_read_is_read_again(ring: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)
    writer.post([FIRST])
    reader._bytes = Interrupted(ring.header, lambda: writer.post([SECOND]))  # type: ignore[assignment]  # stands in

    torn = reader.take()
    reader._bytes = ring.header

    assert torn is None
    assert reader.take() == [SECOND]


def test_a_sidecar_takes_over_from_one_that_died_as_it_wrote(ring: Ring) -> None:
    reader = MailboxReader(ring)
    ring.words[Slot.COUNTER] = 3

    MailboxWriter(ring).post([FIRST])

    assert ring.words[Slot.COUNTER] == 4
    assert reader.take() == [FIRST]


def test_what_a_sidecar_asked_before_it_died_is_taken_back_by_the_next(ring: Ring) -> None:
    reader = MailboxReader(ring)
    MailboxWriter(ring).post([FIRST])
    reader.take()

    MailboxWriter(ring).post([])

    assert reader.take() == []


def test_a_letter_of_another_version_is_passed_over_once_with_a_word(ring: Ring) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)
    writer.post([FIRST])
    ring.words[Slot.VERSION] = 7

    with pytest.raises(RingError, match="a request of mailbox version 7 is passed over; read here: 1"):
        reader.take()

    assert reader.take() is None
    writer.post([SECOND])
    assert reader.take() == [SECOND]


def test_a_letter_that_is_no_list_of_requests_is_passed_over_once_with_a_word(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = MailboxReader(ring), MailboxWriter(ring)
    monkeypatch.setattr("ergoscope.stream.mailbox._fitting", lambda requests: b"\xc0")
    writer.post([FIRST])

    with pytest.raises(RingError, match="a request that cannot be read is passed over: Expected `array`, got `None`"):
        reader.take()

    assert reader.take() is None


def test_of_more_than_there_is_room_for_the_first_ones_go(ring: Ring) -> None:
    reader, many = MailboxReader(ring), [SliceRequest(f"{number:040d}", extent=0.1) for number in range(100)]

    MailboxWriter(ring).post(many)

    taken = reader.take()
    assert taken is not None
    assert taken == many[: len(taken)]
    assert 20 < len(taken) < LONGEST // 40


def test_one_that_is_too_long_alone_is_left_out(ring: Ring) -> None:
    MailboxWriter(ring).post([SliceRequest("s" * LONGEST)])

    assert MailboxReader(ring).take() is None


def test_it_lies_apart_from_what_the_header_holds_otherwise() -> None:
    assert max(Word) < Slot.COUNTER


def test_the_job_hears_of_requests_and_of_those_that_it_does_not_understand(ring: Ring, sidecar: Ring) -> None:
    feed, writer = Feed(ring), MailboxWriter(sidecar)
    told: list[object] = []
    feed._put = told.append  # type: ignore[method-assign]  # hears what goes into the ring

    writer.post([FIRST])
    heard = [feed.requests(), feed.requests()]
    writer.post([SECOND])
    ring.words[Slot.VERSION] = 7
    unheard = [feed.requests(), feed.requests()]

    assert (heard, unheard) == ([[FIRST], None], [None, None])
    texts = [event.text for event in told if isinstance(event, Event)]
    assert texts == ["a request of mailbox version 7 is passed over; read here: 1"]
