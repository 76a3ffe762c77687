"""The exit status, noted when no Python is left."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from ergoscope.lifetime.status import FILE, await_status, status_awaited, status_seen

ASK = "import os, signal, sys\nfrom pathlib import Path\nfrom ergoscope.lifetime.status import await_status\n"


def leave(folder: Path, tail: str) -> int:
    return subprocess.run(
        [sys.executable, "-c", f"{ASK}assert await_status(Path({str(folder)!r}))\n{tail}"], capture_output=True
    ).returncode


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "on_exit"), reason="this C library has no on_exit")
@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("", 0),
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(200)", 200),
        ("raise SystemExit('text')", 1),
        ("1 / 0", 1),
        ("raise SystemExit(-1)", 255),
        ("os._exit(3)", None),
        ("os.kill(os.getpid(), signal.SIGKILL)", None),
    ],
)
def test_the_status_is_the_one_that_the_system_sees_and_unknown_when_nothing_is_said(
    tail: str, status: int | None, tmp_path: Path
) -> None:
    seen_by_parent = leave(tmp_path, tail)

    assert status_awaited(tmp_path)
    assert status_seen(tmp_path) == status
    assert status is None or status == seen_by_parent


def test_without_on_exit_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        """A C library that can open a file, and no more."""

        def __init__(self) -> None:
            def fopen(path: bytes, mode: bytes) -> int:
                Path(path.decode()).touch()
                return 1

            self.fopen = fopen

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Plain())

    assert not await_status(tmp_path)
    assert not status_awaited(tmp_path)
    assert status_seen(tmp_path) is None


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not await_status(tmp_path / "gone")
    assert not (tmp_path / "gone" / FILE).exists()
