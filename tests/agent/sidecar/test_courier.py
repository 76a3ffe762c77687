"""The courier delivers in order, each batch until it is taken or refused for good."""

import json
import logging
from pathlib import Path

import pytest

from ergoscope.sidecar.courier import Courier, pause, refused_batches
from ergoscope.sidecar.delivery import Outcome
from ergoscope.sidecar.spool import SpoolWriter, read_delivered, segments
from ergoscope_contract.answers import Refusal
from ergoscope_contract.records import Event
from ergoscope_contract.slices import SliceRequest

DONE = Outcome("delivered")


class Script:
    """A delivery that answers by the book, then delivers."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> Outcome:
        self.sent.append(data)
        return self.outcomes.pop(0) if self.outcomes else DONE


def spooled(folder: Path, *batches: bytes) -> None:
    spool = SpoolWriter(folder, clock=lambda: 0.0)
    for data in batches:
        spool.append(data, upto=0)
    spool.close()


def courier(
    folder: Path, delivery: Script, *, told: list[Event] | None = None, now: float = 0.0, keep: bool = False
) -> Courier:
    events = [] if told is None else told
    return Courier(folder, delivery, keep=keep, chance=lambda: 1.0, tell=events.append, clock=lambda: now)


def never() -> bool:
    return False


def test_batches_go_out_in_order_and_the_place_is_noted(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b", b"c")
    delivery = Script()

    wait = courier(tmp_path, delivery).deliver_some(never)

    assert (wait, delivery.sent) == (0.0, [b"a", b"b", b"c"])
    assert read_delivered(tmp_path).seq == 3


def test_a_batch_that_is_not_taken_keeps_its_turn(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b")
    delivery = Script(DONE, Outcome("later", "503: busy"), Outcome("later", "503: busy"))
    ours = courier(tmp_path, delivery)

    waits = [ours.deliver_some(never) for _ in range(3)]

    assert delivery.sent == [b"a", b"b", b"b", b"b"]
    assert waits == [0.1, 0.2, 0.0]
    assert (ours.reachable, ours.failures) == (True, 0)


def test_a_courier_that_begins_again_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b")
    courier(tmp_path, Script(DONE, Outcome("later"))).deliver_some(never)
    second = Script()

    courier(tmp_path, second).deliver_some(never)

    assert second.sent == [b"b"]


def test_another_senders_progress_is_taken_over(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b")
    waiting, busy = courier(tmp_path, first := Script(Outcome("later"))), courier(tmp_path, Script())
    waiting.deliver_some(never)
    busy.deliver_some(never)

    waiting.refresh()
    waiting.deliver_some(never)

    assert first.sent == [b"a"]


def test_the_server_may_ask_for_more_time(tmp_path: Path) -> None:
    spooled(tmp_path, b"a")

    assert courier(tmp_path, Script(Outcome("later", wait_s=7.0))).deliver_some(never) == 7.0


def test_waits_double_up_to_two_seconds_and_are_spread() -> None:
    assert [pause(n, 1.0) for n in (1, 2, 3, 4, 5, 6, 7, 1000)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert pause(7, 0.0) == 1.0


def test_a_refused_batch_is_set_aside_with_the_reason_and_the_next_one_goes(tmp_path: Path) -> None:
    spooled(tmp_path, b"bad", b"good")
    told: list[Event] = []
    delivery = Script(Outcome("refused", "400 Shape: wrong"))

    courier(tmp_path, delivery, told=told).deliver_some(never)

    assert delivery.sent == [b"bad", b"good"]
    assert refused_batches(tmp_path) == 1
    assert (tmp_path / "refused/000000000000.batch").read_bytes() == b"bad"
    assert json.loads((tmp_path / "refused/000000000000.json").read_text())["reason"] == "400 Shape: wrong"
    assert [event.text for event in told] == ["batch 0 was refused and set aside: 400 Shape: wrong"]


def test_refused_values_are_told_to_the_page_at_most_every_ten_seconds(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b", b"c")
    told: list[Event] = []
    outcome = Outcome("delivered", refusals=(Refusal("blocks[0].x", "no number"),))

    courier(tmp_path, Script(outcome, outcome, outcome), told=told).deliver_some(never)

    assert [event.text for event in told] == ["1 values were refused, first blocks[0].x: no number"]


def test_why_values_are_refused_is_told_once_for_each_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spooled(tmp_path, b"a", b"b", b"c", b"d")
    many, odd = Refusal("keys[9]", "a series too many"), Refusal("blocks[0].x[1]", "no number")
    answers = [Outcome("delivered", refusals=refused) for refused in ((many,), (many,), (many, odd), (many,))]

    ours = courier(tmp_path, Script(*answers))
    with caplog.at_level(logging.WARNING):
        ours.deliver_some(never)

    assert caplog.messages == [
        "1 values were refused, first keys[9]: a series too many",
        "2 values were refused, first blocks[0].x[1]: no number",
    ]
    assert ours.seq == 4


@pytest.mark.parametrize(("keep", "left"), [(False, [4]), (True, [0, 2, 4])])
def test_delivered_segments_are_removed_unless_they_are_to_be_kept(
    keep: bool, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope.sidecar.spool.SEGMENT_BYTES", 60)
    spooled(tmp_path, *(b"%02d" % i * 10 for i in range(5)))

    courier(tmp_path, Script(), keep=keep).deliver_some(never)

    assert segments(tmp_path) == left


def test_what_is_asked_of_the_job_is_handed_on_with_each_delivery(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b", b"c")
    heard: list[tuple[SliceRequest, ...]] = []
    delivery = Script(Outcome("delivered", requests=(SliceRequest("s1"),)), Outcome("refused", "400 Shape"), DONE)
    ours = Courier(
        tmp_path,
        delivery,
        keep=False,
        chance=lambda: 1.0,
        tell=lambda _: None,
        clock=lambda: 0.0,
        ask=lambda requests: heard.append(tuple(requests)),
    )

    ours.deliver_some(never)

    assert heard == [(SliceRequest("s1"),), ()]


def test_it_stops_when_asked_to(tmp_path: Path) -> None:
    spooled(tmp_path, b"a", b"b")
    delivery = Script()

    courier(tmp_path, delivery).deliver_some(lambda: len(delivery.sent) == 1)

    assert delivery.sent == [b"a"]


def test_a_server_that_answered_before_may_be_away_for_five_seconds(tmp_path: Path) -> None:
    now = 0.0
    spooled(tmp_path, b"a", b"b")
    delivery = Script(DONE, Outcome("later"), Outcome("later"), Outcome("later"))
    ours = Courier(tmp_path, delivery, keep=False, chance=lambda: 1.0, tell=lambda _: None, clock=lambda: now)

    seen = [ours.reachable]
    for now in (0.0, 4.0, 6.0):  # noqa: B007  # the clock reads it
        ours.deliver_some(never)
        seen.append(ours.reachable)

    assert seen == [None, True, True, False]


def test_a_server_that_asks_to_wait_is_there_however_long_it_asks(tmp_path: Path) -> None:
    now = 0.0
    spooled(tmp_path, b"a")
    full = Outcome("later", "429 Full: too much waits", wait_s=9.0)
    delivery = Script(full, full, full, Outcome("later", "connection refused"), Outcome("later", "connection refused"))
    ours = Courier(tmp_path, delivery, keep=False, chance=lambda: 1.0, tell=lambda _: None, clock=lambda: now)

    seen = []
    for now in (0.0, 9.0, 18.0, 22.0, 24.0):  # noqa: B007  # the clock reads it
        ours.deliver_some(never)
        seen.append(ours.reachable)

    assert seen == [True, True, True, True, False]


def test_a_server_that_never_answered_is_not_there(tmp_path: Path) -> None:
    spooled(tmp_path, b"a")
    ours = courier(tmp_path, Script(Outcome("later")))

    ours.deliver_some(never)

    assert ours.reachable is False


def test_a_server_that_does_not_let_us_in_is_told_apart_until_it_does(tmp_path: Path) -> None:
    spooled(tmp_path, b"a")
    barred = Outcome("later", "401 Token: no", barred=True)
    ours = courier(tmp_path, Script(barred, Outcome("later", "503: busy"), DONE))

    seen = []
    for _ in range(3):
        ours.deliver_some(never)
        seen.append((ours.barred, ours.reachable))

    assert seen == [("401 Token: no", False), ("", False), ("", True)]
    assert read_delivered(tmp_path).seq == 1


def test_batches_of_a_deleted_run_are_dropped_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spooled(tmp_path, b"a", b"b", b"c")
    gone = Outcome("deleted", "410 Deleted: run 'r' was deleted")
    delivery, events = Script(gone, gone, gone), list[Event]()
    ours = courier(tmp_path, delivery, told=events)

    wait = ours.deliver_some(never)
    again = courier(tmp_path, Script())
    again.deliver_some(never)

    assert (wait, ours.dropped, ours.reachable, events) == (0.0, 3, True, [])
    assert read_delivered(tmp_path).seq == 3
    assert refused_batches(tmp_path) == 0
    assert caplog.text.count("this batch and all after it are dropped: 410 Deleted: run 'r' was deleted") == 1
