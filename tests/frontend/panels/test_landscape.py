"""The words of the panel on the loss around the weights, state by state."""

import time

import msgspec
import pytest

from ergoscope_contract.answers import RunSummary, Slice
from ergoscope_contract.slices import SliceRequest
from ergoscope_ui.panels.landscape import feet, newest_asked, words
from tests.frontend import fake_slices
from tests.frontend.text import text_of

NOW = time.time()


def _run(status: str = "running", step: int = 18_240) -> RunSummary:
    return RunSummary("r", "p", "n", status, 0.0, NOW, last_step=step)  # type: ignore[arg-type]  # a Literal


def _told(landscape: dict[str, object], *, state: str = "done", reason: str = "", **fields: object) -> Slice:
    told = fake_slices.told(landscape | fields, state=state) | {"reason": reason}
    return msgspec.convert(told, Slice, strict=False)


def _said(told: Slice | None, run: RunSummary | None = None) -> str:
    return " ".join(text_of(list(words(told, run or _run()))).split())


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "Nobody has asked yet how the loss changes around the weights; the job can measure it"),
        ("silent", "Nobody has asked yet"),
        ("finished", "Nobody asked, while the run went on, how the loss changes around the weights; now nothing can"),
    ],
)
def test_without_a_slice_one_sentence_says_what_could_be(status: str, said: str) -> None:
    assert _said(None, _run(status)).startswith(said)


def test_an_open_one_says_whether_the_job_has_heard_of_it() -> None:
    asked = Slice("s1", "open", NOW)

    assert _said(asked) == "The job hears of it with its next batch; asked"  # how long ago is written by the page
    assert _said(asked, _run("silent")).startswith("The job hears of it with its next batch, and is silent at present")
    assert _said(Slice("s1", "open", NOW - 1)) == "The job has heard of it and looks for directions first; asked"


def test_one_that_nothing_has_answered_for_long_says_who_answers_and_what_can_be_done() -> None:
    said = "Only rank 0 of a job answers, where it is watched; a question that nothing answers can be withdrawn."

    assert _said(Slice("s1", "open", NOW - 61)).endswith(said)
    assert _said(Slice("s1", "open", NOW), _run("silent")).endswith(said)
    assert said not in _said(Slice("s1", "open", NOW - 59))


def test_a_refusal_gives_the_agents_reason() -> None:
    assert _said(Slice("s1", "refused", NOW, reason="the model draws random numbers")) == (
        "Not measured: the model draws random numbers."
    )


def test_one_that_the_end_of_the_run_cut_short_says_how_far_it_came() -> None:
    said = _said(_told(fake_slices.plane(rows=7), state="refused", reason="the run ended before it was measured"))

    assert said.startswith("147 of 441 points measured")
    assert said.endswith("Cut short: the run ended before it was measured. measured parabola")


def test_while_it_is_measured_its_points_are_counted() -> None:
    assert _said(_told(fake_slices.line(rows=7), state="measuring")).startswith("7 of 21 points measured")
    assert _said(_told(fake_slices.plane(rows=7), state="measuring")).startswith("147 of 441 points measured")


def test_the_misfit_is_the_number_to_read() -> None:
    said = _said(_told(fake_slices.line()))

    assert said.startswith("8.4 % off the parabola")
    assert "It reaches 0.5 from the weights, 16 times the last update." in said
    assert "measured, batch statistics running statistics parabola within one update" in said


def test_a_flat_slice_and_one_without_a_prediction_say_so() -> None:
    assert _said(_told(fake_slices.line(), misfit=None)).startswith("Flat to a millionth")
    assert _said(_told(fake_slices.line(), misfit=None, predicted=[])).startswith("No parabola to compare it with")


def test_losses_that_are_not_finite_are_counted() -> None:
    assert "Not finite at 13 of 21 points." in _said(_told(fake_slices.line(rows=8)))


def test_the_foot_says_how_on_which_examples_and_how_long_ago() -> None:
    said = " ".join(text_of(list(feet(_told(fake_slices.line()), _run()))).split())

    assert said == "exact; probe batch 9c41f0; asked for through another service step 18,200, 40 steps ago"
    assert text_of(list(feet(_told(fake_slices.line()), _run(step=18_201)))).endswith("1 step ago")
    assert list(feet(None, _run())) == []


def test_the_newest_that_was_asked_for_here_is_shown_before_one_from_elsewhere() -> None:
    asked = SliceRequest("s1")
    elsewhere, here, older = Slice("x", "done", 3.0), Slice("s1", "done", 2.0, asked), Slice("s0", "done", 1.0, asked)

    assert newest_asked([elsewhere, here, older]) is here
    assert newest_asked([elsewhere]) is elsewhere
    assert newest_asked([]) is None
