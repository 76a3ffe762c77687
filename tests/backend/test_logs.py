"""Lines for people and for programs, each with what it is about."""

import contextvars
import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import pytest

from ergoscope_server.logs import OURS, JsonLines, TextLines, note_request, note_run, set_up


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Our loggers and the root, as they were before."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in OURS]
    handlers, levels = list(root.handlers), [one.level for one in ours]
    yield logging.getLogger("ergoscope_server.tests")
    root.handlers[:] = handlers
    for one, level in zip(ours, levels, strict=True):
        one.setLevel(level)


def _record(**more: object) -> logging.LogRecord:
    record = logging.LogRecord("ergoscope_server.x", logging.WARNING, "x.py", 1, "left %d", (3,), None)
    record.created = 1_790_000_000.25
    record.__dict__.update(more)
    return record


def test_a_json_line_has_what_is_known_and_no_more() -> None:
    line = JsonLines().format(_record(run="fox-7", duration_s=0.5, status=None, reason="", other="x"))

    assert json.loads(line) == {
        "time": "2026-09-21T14:13:20.250Z",
        "level": "warning",
        "logger": "ergoscope_server.x",
        "text": "left 3",
        "run": "fox-7",
        "duration_s": 0.5,
    }


def test_a_line_for_people_has_the_same() -> None:
    line = TextLines().format(_record(run="fox-7", duration_s=0.5))

    assert line == "2026-09-21T14:13:20.250Z WARNING ergoscope_server.x: left 3 run=fox-7 duration_s=0.5"


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_an_error_comes_with_its_traceback(form: logging.Formatter) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        line = form.format(_record(exc_info=sys.exc_info()))

    assert "Traceback" in line
    assert "ValueError: odd" in line
    assert isinstance(form, TextLines) or "\n" not in line


def test_what_a_task_was_told_to_be_about_stands_in_its_lines_only() -> None:
    def in_a_task() -> str:
        note_request("abc")
        note_run("fox-7")
        return TextLines().format(_record())

    inside = contextvars.copy_context().run(in_a_task)

    assert inside.endswith("left 3 request=abc run=fox-7")
    assert TextLines().format(_record()).endswith("left 3")


def test_our_own_loggers_speak_from_the_level_on_and_others_from_warning(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up("text", "warning")
    set_up("json", "info")
    heard = StringIO()
    monkeypatch.setattr(sys, "stderr", heard)

    logger.debug("no")
    logger.info("yes")
    logging.getLogger("uvicorn.error").info("yes too")
    logging.getLogger("urllib3").info("no")
    logging.getLogger("urllib3").warning("a stranger's")

    assert [json.loads(line)["text"] for line in heard.getvalue().splitlines()] == ["yes", "yes too", "a stranger's"]
