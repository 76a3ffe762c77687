"""A sidecar that is gone is replaced, less and less often."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ergoscope.lifetime.companion import AGAIN_S, Companion
from ergoscope.stream.ring import Ring
from ergoscope.voice import Voice

Until = Callable[..., None]
QUIET = Voice(silent=True)


def test_one_that_was_never_started_is_not_replaced(ring: Ring, tmp_path: Path) -> None:
    told: list[str] = []

    Companion(tmp_path, ring, api_key="").tend(told.append, QUIET)

    assert told == []


def test_one_that_is_gone_is_replaced_but_not_again_at_once(
    ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    now = [1000.0]
    told: list[str] = []
    companion = Companion(tmp_path, ring, api_key="")
    assert companion.start() == ""
    companion.tend(told.append, QUIET)  # it is there, or on its way up
    os.kill(companion._pid, signal.SIGKILL)
    until(lambda: not companion.alive, what="the death of the sidecar")
    monkeypatch.setattr("ergoscope.lifetime.companion.time.monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))

    seen: list[int] = []
    for now[0] in (1000.0, 1001.0, 1001.0 + AGAIN_S, 1002.0 + AGAIN_S, 1002.0 + 3 * AGAIN_S):
        companion.tend(told.append, QUIET)
        for thread in threading.enumerate():
            if thread.name == "ergoscope-restart":
                thread.join()
        seen.append(len(told))

    assert seen == [1, 1, 2, 2, 3]
    assert told[0].startswith("the sidecar is gone, and another cannot be had: ")
    assert told[0].endswith("; rows are kept as long as there is room")
