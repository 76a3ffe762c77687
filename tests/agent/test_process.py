"""Processes are told apart by number and birth."""

import os
import subprocess
import sys

import pytest

from ergoscope.process import Witness, birth, lives


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_we_live_and_a_process_of_another_birth_does_not() -> None:
    born = birth(os.getpid())

    assert born > 0
    assert lives(os.getpid(), born)
    assert lives(os.getpid(), 0)
    assert not lives(os.getpid(), born - 1)


def test_a_killed_process_that_nobody_waited_for_does_not_live() -> None:
    process = sleeper()
    witness = Witness(process.pid, birth(process.pid))
    assert not witness.wait(0.0)

    process.kill()

    assert witness.wait(10.0)
    assert not lives(process.pid, 0)
    process.wait()
    witness.close()


def test_without_handles_on_processes_the_end_is_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    process = sleeper()
    witness = Witness(process.pid, birth(process.pid))
    assert not witness.wait(0.0)

    process.kill()
    process.wait()

    assert witness.wait(0.01)
    assert birth(process.pid) == 0
