"""An exception that nobody caught ends the run as failed, and other hooks still run."""

import sys

import pytest

from ergoscope.exits import ExitWatch, describe


def test_the_reason_is_the_exceptions_first_line_and_the_hook_before_ours_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    reasons: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda *given: seen.append(given))
    watch = ExitWatch(reasons.append)
    watch.install()
    error = ValueError("first\nsecond")

    sys.excepthook(ValueError, error, None)
    watch._on_exit()

    assert reasons == ["ValueError: first"]
    assert seen == [(ValueError, error, None)]
    watch.remove()


def test_removing_puts_the_earlier_hook_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def earlier(*given: object) -> None:
        """Stand in for a user's hook."""

    monkeypatch.setattr(sys, "excepthook", earlier)
    watch = ExitWatch(lambda reason: None)

    watch.install()
    watch.remove()

    assert sys.excepthook is earlier


def test_a_hook_placed_after_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*given: object) -> None:
        """Stand in for a user's hook."""

    monkeypatch.setattr(sys, "excepthook", lambda *given: None)
    watch = ExitWatch(lambda reason: None)
    watch.install()
    sys.excepthook = later

    watch.remove()

    assert sys.excepthook is later


def test_an_exception_that_cannot_be_printed_still_has_a_name() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe(MuteError()) == "MuteError"
    assert describe(KeyboardInterrupt()) == "KeyboardInterrupt"
