"""A real service and real jobs, as processes of their own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import urllib3

import ergoscope
from ergoscope_server.settings import Settings
from tests.backend.places import placed
from tests.frontend.conftest import browser, context

__all__ = ["browser", "context"]  # fixtures

HOST = "127.0.0.1"
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def until(ask: Callable[[], T | None], *, what: str, timeout_s: float = 60.0) -> T:
    """Ask until there is an answer; a failure to ask counts as none."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(ergoscope.ErgoscopeError, urllib3.exceptions.HTTPError):
            answer = ask()
            if answer:
                return answer
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not come within {timeout_s:.0f} s")


class Service:
    """`ergoscope up` on a free port with a data directory of its own; it can be killed and started again.

    Where ERGOSCOPE_DATABASE_URL names no database, it lies where the tests run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.jobs: list[subprocess.Popen[str]] = []
        self.url = f"http://{HOST}:{self.port}"
        self._place = contextlib.ExitStack()
        named = os.environ.get("ERGOSCOPE_DATABASE_URL", "")
        self.settings = self._place.enter_context(placed(Settings(data_dir=folder / "server", database_url=named)))
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "ergoscope.cli", "up", "--port", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.settings.data_dir)],
                env={**os.environ, **self._servers()},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._ready, what=f"the service (its log is {self.folder / 'server.log'})")

    def _servers(self) -> dict[str, str]:
        both = {"ERGOSCOPE_DATABASE_URL": self.settings.database_url, "ERGOSCOPE_REDIS_URL": self.settings.redis_url}
        return {name: url for name, url in both.items() if url}

    def _ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        return urllib3.request("GET", f"{self.url}/readyz", retries=False, timeout=2.0).status == 200

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
        for job in self.jobs:
            job.kill()
            job.communicate()
        self._place.close()

    @property
    def api(self) -> ergoscope.Api:
        return ergoscope.Api(self.url)

    def surroundings(self) -> dict[str, str]:
        """The environment of a job that reports here."""
        ours = {
            "ERGOSCOPE_BASE_URL": self.url,
            "ERGOSCOPE_DIR": str(self.folder / "agent"),
            "ERGOSCOPE_SILENT": "1",
        }
        return {**os.environ, **ours}

    def job(self, code: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start a Python job, its output piped."""
        script = self.folder / f"job{time.time_ns()}.py"
        script.write_text(code)
        job = subprocess.Popen(
            [sys.executable, "-u", str(script), *arguments],
            env=self.surroundings(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.jobs.append(job)
        return job


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.close()
