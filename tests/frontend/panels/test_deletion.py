"""Before runs are deleted it is said what goes, and what must be typed."""

import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels.deletion import asked, done, named, title, words
from tests.frontend.text import text_of


def _run(
    name: str = "otter", *, status: str = "finished", archived: bool = False, step: int | None = 18_240
) -> RunSummary:
    return RunSummary("r1", "p", name, status, 0.0, 0.0, last_step=step, archived=archived)  # type: ignore[arg-type]  # a Literal


def _said(*runs: RunSummary, series: int | None = None) -> str:
    return " ".join(text_of(words(runs, series)).split())


def test_of_one_run_it_is_said_what_there_is_of_it() -> None:
    said = _said(_run(), series=43)

    assert title([_run()]) == "Delete otter?"
    assert said.startswith("Everything that was kept of it goes: 18,240 steps of 43 series, distributions,")
    assert "There is no way back." in said
    assert said.endswith("To only take it off the list, archive it instead. Type otter to confirm:")
    assert "kept of it goes: its settings," in _said(_run(step=None))


def test_several_are_named_and_counted() -> None:
    runs = [_run(name) for name in "abcdefg"]

    assert title(runs) == "Delete 7 runs?"
    assert _said(*runs).startswith("a, b, c, d, e and 2 more: everything that was kept of them goes.")
    assert _said(*runs).endswith("archive them instead. Type delete 7 runs to confirm:")


@pytest.mark.parametrize("status", ["running", "silent"])
def test_of_a_job_that_goes_on_it_is_said_what_becomes_of_it(status: str) -> None:
    assert "Its job has not ended: it goes on, and what it sends is dropped." in _said(_run(status=status))
    assert "The job of b has not ended" in _said(_run("a"), _run("b", status=status))


def test_an_archived_run_is_off_the_list_already() -> None:
    assert "archive" not in _said(_run(archived=True))


def test_a_name_is_typed_as_it_is_read_and_the_id_stands_for_none() -> None:
    assert (named(_run("  calm\t otter ")), named(_run(" "))) == ("calm otter", "r1")
    assert asked([_run(" ")]) == "r1"


def test_what_others_had_deleted_before_is_no_failure() -> None:
    assert done(["a"], ["b", "c"]) == "Deleted a. b and c were not there any more."
