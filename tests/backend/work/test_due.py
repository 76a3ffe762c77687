"""When a run is due to be folded."""

from ergoscope_server.work.announced import Announced
from ergoscope_server.work.due import BYTES, IDLE_S, ROWS, Due

ONE = Announced(1, 1)


def test_a_run_is_due_when_it_has_many_batches_or_many_bytes_or_rests() -> None:
    due = Due()

    many = [due.arrived("many", ONE, now=0.0) for _ in range(ROWS)]
    assert many == [False] * (ROWS - 1) + [True]
    assert due.arrived("large", Announced(1, BYTES), now=0.0)
    assert due.arrived("at once", Announced(ROWS, 1), now=0.0)
    assert not due.arrived("small", ONE, now=0.0)

    assert len(due) == 4
    assert due.due(now=0.0) == ["many", "large", "at once"]
    assert due.due(now=IDLE_S) == ["many", "large", "at once", "small"]


def test_what_is_being_folded_is_due_no_more_until_more_comes() -> None:
    due = Due()
    due.found(["left over"])
    assert due.due(now=0.0) == ["left over"]

    due.folding("left over")

    assert due.due(now=1e9) == []
    due.arrived("left over", ONE, now=5.0)
    assert due.due(now=5.0 + IDLE_S) == ["left over"]


def test_what_is_found_but_was_heard_of_waits_until_enough_has_come() -> None:
    due = Due()
    due.arrived("heard", ONE, now=0.0)

    due.found(["heard", "unheard"])

    assert due.due(now=1.0) == ["unheard"]


def test_what_could_not_be_folded_is_due_at_once() -> None:
    due = Due()

    due.missed("a")

    assert due.due(now=0.0) == ["a"]
