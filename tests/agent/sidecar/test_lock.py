"""One process at a time."""

from pathlib import Path

import pytest

from ergoscope.sidecar.lock import FileLock


def test_a_lock_is_had_by_one_until_it_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")

    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_a_file_system_without_locks_lets_everyone_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, kind: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)

    lock = FileLock(tmp_path / "a.lock")

    assert lock.acquire()
    lock.release()
