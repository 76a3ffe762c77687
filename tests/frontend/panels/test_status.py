"""Whether a job lives, and when it made its newest step."""

import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels.status import patience, status
from tests.frontend.text import text_of


def _run(**latest: float) -> RunSummary:
    return RunSummary("r", "p", "n", "running", 0.0, 5.0, last_step=40, latest=latest)


@pytest.mark.parametrize(
    ("latest", "seconds"), [({}, 60.0), ({"step_time": 0.04}, 60.0), ({"step_time": float("nan")}, 60.0)]
)
def test_a_minute_without_a_step_is_long(latest: dict[str, float], seconds: float) -> None:
    assert patience(_run(**latest)) == seconds


def test_of_slow_steps_twenty_are_long() -> None:
    assert patience(_run(step_time=30.0)) == 600.0


def test_the_page_is_told_when_the_newest_step_was_made_where_that_is_known() -> None:
    told, untold = status(_run(), wordy=True, stepped=7.5), status(_run(), wordy=True)

    assert (getattr(told, "data-stepped"), getattr(told, "data-patience")) == ("7.5", "60.0")
    assert not hasattr(untold, "data-stepped")
    assert text_of(told) == text_of(untold) == "live"
