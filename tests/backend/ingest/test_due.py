"""When a run is due to be folded, and when it has fallen quiet."""

from ergoscope_server.ingest.due import BYTES, FORGET_S, IDLE_S, QUIET_S, ROWS, Due


def test_a_run_is_due_when_it_has_many_batches_or_many_bytes_or_rests() -> None:
    due = Due()

    many = [due.arrived("many", 1, now=0.0) for _ in range(ROWS)]
    assert many == [False] * (ROWS - 1) + [True]
    assert due.arrived("large", BYTES, now=0.0)
    assert not due.arrived("small", 1, now=0.0)

    assert due.due(now=0.0) == ["many", "large"]
    assert due.due(now=IDLE_S) == ["many", "large", "small"]
    assert due.size == ROWS + BYTES + 1


def test_what_is_being_folded_is_due_no_more_until_more_comes() -> None:
    due = Due(["left over"])
    assert due.due(now=0.0) == ["left over"]

    due.folding("left over")

    assert due.due(now=1e9) == []
    due.arrived("left over", 1, now=5.0)
    assert due.due(now=5.0 + IDLE_S) == ["left over"]


def test_a_run_is_quiet_some_time_after_it_was_heard_and_until_its_silence_is_known() -> None:
    due = Due()
    due.arrived("a", 1, now=0.0)

    assert list(due.quiet(now=QUIET_S - 0.1)) == []
    assert list(due.quiet(now=QUIET_S)) == ["a"]
    due.silent("a")
    assert list(due.quiet(now=QUIET_S)) == []


def test_a_run_is_forgotten_in_the_end() -> None:
    due = Due()
    due.arrived("a", 1, now=0.0)

    assert list(due.quiet(now=FORGET_S)) == []
