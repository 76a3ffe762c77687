"""`ergoscope serve` and `ergoscope work` where they cannot work, and the parent of several processes."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ergoscope_server.cli.serve import Serve
from ergoscope_server.cli.work import Work


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ERGOSCOPE_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("command", [Serve, Work])
def test_one_of_several_on_sqlite_is_one_clear_line(
    command: type[Serve | Work], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_REDIS_URL", "redis://127.0.0.1:9/0")
    parser = argparse.ArgumentParser()
    command().arguments(parser)

    code = command().run(parser.parse_args([]))

    assert code == 1
    assert capsys.readouterr().err == (
        f"ergoscope: `ergoscope {command.__name__.lower()}` is one process of several, and SQLite is for one; set "
        "ERGOSCOPE_DATABASE_URL to postgresql://HOST/NAME, or run everything in one process: ergoscope up\n"
    )


@pytest.mark.parametrize("command", [Serve, Work])
def test_a_database_that_does_not_answer_is_one_clear_line(
    command: type[Serve | Work], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERGOSCOPE_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("ERGOSCOPE_DATABASE_URL", "postgresql://postgres@127.0.0.1:9/x")
    parser = argparse.ArgumentParser()
    command().arguments(parser)

    assert command().run(parser.parse_args([])) == 1
    assert capsys.readouterr().err.startswith("ergoscope: the database cannot be opened now: connection failed")


PARENT = """
import os, signal, sys, time
from pathlib import Path
from ergoscope_server.cli import processes

def child(folder, number):
    signal.signal(signal.SIGINT, lambda *_: print("interrupted", file=sys.stderr, flush=True))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    (Path(folder) / str(os.getpid())).write_text(str(number))
    time.sleep(60)

if __name__ == "__main__":
    processes.SOON_S = 0.05
    sys.exit(processes.Processes(child, (sys.argv[1],), count=2).run())
"""


def _until(folder: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := [int(one.name) for one in folder.iterdir()]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def _alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def _gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(_alive, pids))


@pytest.fixture
def parent(tmp_path: Path) -> "subprocess.Popen[str]":
    (tmp_path / "parent.py").write_text(PARENT)
    (tmp_path / "there").mkdir()
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "there")],
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def test_a_process_that_dies_is_started_again_and_all_stop_with_the_parent(
    parent: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    first = _until(tmp_path / "there", 2)

    os.kill(first[0], signal.SIGKILL)
    children = _until(tmp_path / "there", 3)
    parent.terminate()
    _, said = parent.communicate(timeout=20)

    assert parent.returncode == 0
    assert said == f"ergoscope: process {first[0]} ended with -9; starting another\n"
    numbers = {child: (tmp_path / "there" / str(child)).read_text() for child in children}
    assert sorted(numbers.values()) == ["0", "0", "1"] or sorted(numbers.values()) == ["0", "1", "1"]
    assert [number for child, number in numbers.items() if child not in first] == [numbers[first[0]]]
    assert _gone(children)


def test_processes_end_with_a_parent_that_was_killed(parent: "subprocess.Popen[str]", tmp_path: Path) -> None:
    children = _until(tmp_path / "there", 2)

    parent.kill()
    parent.communicate(timeout=20)

    assert _gone(children)


def test_of_an_interrupt_from_the_keyboard_each_process_gets_one_signal(
    parent: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    children = _until(tmp_path / "there", 2)

    os.killpg(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=20)

    assert (parent.returncode, said) == (0, "")
    assert _gone(children)
