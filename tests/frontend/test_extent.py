"""Which steps charts show."""

from ergoscope_contract.answers import Mark, RunSummary
from ergoscope_ui.address import Address
from ergoscope_ui.curve import from_points
from ergoscope_ui.extent import extent
from ergoscope_ui.theme import LIGHT


def _run(status: str, last: int | None) -> RunSummary:
    return RunSummary(id="r", project="p", name="r", status=status, created=0, last_seen=0, last_step=last)  # type: ignore[arg-type]  # a word


CURVE = from_points("r", "loss", [1, 18_240], [1.0, 0.5])


def test_a_living_run_has_room_to_grow_and_an_ended_one_has_not() -> None:
    living, ended = (extent([_run(status, 18_240)], [CURVE], Address()) for status in ("running", "finished"))

    assert (living.first, living.last, living.open_end) == (0, 20_000, True)
    assert (ended.first, ended.last, ended.open_end) == (0, 18_240, False)


def test_a_held_range_is_kept_and_does_not_grow() -> None:
    held = extent([_run("running", 18_240)], [CURVE], Address(first=100, last=200))

    assert (held.first, held.last, held.open_end) == (100, 200, False)
    assert extent([_run("running", 18_240)], [CURVE], Address(first=100)).open_end


def test_a_run_resumed_late_begins_where_it_began() -> None:
    late = from_points("r", "loss", [5_000, 6_000], [1.0, 0.5])

    assert extent([_run("finished", 6_000)], [late], Address()).first == 5_000


def test_nothing_at_all_has_an_axis() -> None:
    assert extent([], [], Address()).last > extent([], [], Address()).first


def test_marks_outside_are_left_out() -> None:
    marks = [Mark(150, "note", "in"), Mark(300, "note", "out")]

    frame = extent([], [], Address(first=100, last=200)).frame(LIGHT, unit="loss", marks=marks)

    assert [mark.text for mark in frame.marks] == ["in"]
