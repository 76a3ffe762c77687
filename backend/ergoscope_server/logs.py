"""One line for each thing that is noted, as text for people or as JSON for programs.

A line names the request and the run that it is about, where there is one. Never in it: bodies, headers, and what stands
behind the `?` of an address. What is noted of a request is its route as declared, not the address that was asked for.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TextIO

OURS = ("ergoscope", "ergoscope_server", "ergoscope_ui", "uvicorn")  # others speak from "warning" on only
FIELDS = ("request", "run", "method", "route", "status", "reason", "duration_s", "points")

_request: ContextVar[str] = ContextVar("request", default="")
_run: ContextVar[str] = ContextVar("run", default="")


def set_up(form: str, level: str) -> None:
    """Have all loggers of this process write to stderr; what was set up before is replaced.

    Args:
        form: Of the lines, "text" or "json".
        level: From which on our own loggers speak: "debug", "info", "warning" or "error".
    """
    handler = _Stderr()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Stderr)]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


def note_request(name: str) -> None:
    """Name the request that what follows in this task is about."""
    _request.set(name)


def note_run(run: str) -> None:
    """Name the run that what follows in this task is about."""
    _run.set(run)


def noted_run() -> str:
    """Give the run that was named last in this task."""
    return _run.get()


class JsonLines(logging.Formatter):
    """A JSON object a line: `time`, `level`, `logger`, `text`, then what is known of FIELDS, then `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        said: dict[str, object] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(said, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Time, level, logger and text; then what is known of FIELDS as name=value; then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        known = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{_moment(record.created)} {record.levelname} {record.name}: {record.getMessage()}{known}"
        if record.exc_info and record.exc_info[0] is not None:
            line += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return line


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment of writing."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    known: dict[str, object] = {"request": _request.get(), "run": _run.get()}
    known |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
    return {name: known[name] for name in FIELDS if known.get(name) not in (None, "")}


def _moment(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"
