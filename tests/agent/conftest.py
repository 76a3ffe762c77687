"""What the tests of the agent share."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ergoscope.manifest import Manifest
from ergoscope.stream.ring import Ring
from ergoscope_contract.records import Attempt, Run
from tests.agent.fake_server import FakeServer
from tests.agent.group import run_ranks


@pytest.fixture(autouse=True)
def nothing_compiled() -> None:
    """Forget what other tests have compiled: where anything is, the agent listens to no forward pass."""
    utils = sys.modules.get("torch._dynamo.utils")
    if utils is not None:
        utils.counters.clear()


@pytest.fixture(scope="module")
def ranks(request: pytest.FixtureRequest) -> list[object]:
    """What the `tell` of a module of tests returns on each rank of a group of two processes."""
    return run_ranks(request.module.tell)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    """A ring of 64 KiB on disk."""
    made = Ring.create("test.ring", [tmp_path], capacity=64 << 10)
    yield made
    made.unlink()


@pytest.fixture
def manifest(ring: Ring) -> Manifest:
    return Manifest(
        run=Run(id="r1", project="p", name="calm-otter-41", created=1.0),
        attempt=Attempt(number=7, started=1.0, pid=os.getpid()),
        birth=0,
        ring=str(ring.path),
        mode="online",
        base_url="http://127.0.0.1:9",
        give_up_s=0.0,
        keep_spool=False,
    )


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without ergoscope's variables, but for a folder of its own and silence."""
    for name in list(os.environ):
        if name.startswith("ERGOSCOPE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ERGOSCOPE_DIR", str(tmp_path / "agent"))
    monkeypatch.setenv("ERGOSCOPE_SILENT", "1")
    monkeypatch.setenv("ERGOSCOPE_SAVE_CODE", "0")
    return tmp_path / "agent"


@pytest.fixture
def until() -> Callable[..., None]:
    def wait(true: Callable[[], object], *, what: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def job() -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts Python code as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
