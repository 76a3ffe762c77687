"""What the tests of the integrations share."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from ergoscope import current
from ergoscope_contract.records import Run
from tests.agent.fake_server import FakeServer


@pytest.fixture(autouse=True)
def _surroundings(
    surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """A server that takes everything, a folder of its own, one thread, and a generator that comes out as it went in."""
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)
    monkeypatch.setenv("ERGOSCOPE_BUDGET", "1")  # these steps are so short that some would be passed over
    monkeypatch.chdir(tmp_path)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    while (run := current.newest()) is not None:
        run.finish()
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@pytest.fixture
def about(server: FakeServer) -> Callable[[], Run]:
    """Gives the newest description of the run."""

    def newest() -> Run:
        return [batch.about for batch in server.batches.values() if batch.about][-1]

    return newest


@pytest.fixture
def script() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs Python code as a process of its own; `without` names what cannot be imported there."""

    def run(code: str, *, without: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        absent = "".join(f"sys.modules[{name!r}] = None\n" for name in without)
        return subprocess.run([sys.executable, "-c", f"import sys\n{absent}{code}"], capture_output=True, text=True)

    return run
