"""Services to measure: a service in processes of its own, on each database that there is here."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.databases import REDIS, Opener, available, forget, redis_answers, server_pids
from ergoscope_server.store.store import Store

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Service:
    """What is measured: where it listens, its processes and those of its database, and what it keeps."""

    port: int
    pids: list[int]
    store: Store
    database_pids: list[int] = field(default_factory=list)


Opened = Callable[[], AbstractContextManager[Service]]


def services() -> dict[str, Opened]:
    """Give what there is to measure: one process on each database, and several where Redis answers."""
    up = [["up", "--port", "0"]]
    several = [["serve", "--port", "0", "--workers", "2"], ["work"]]
    databases = available()
    found = {name: partial(_on, opened, up, "") for name, opened in databases.items()}
    if "PostgreSQL" in databases and redis_answers():
        found["PostgreSQL, Redis, 2 + 1 processes"] = partial(_on, databases["PostgreSQL"], several, REDIS)
    return found


def family(pid: int) -> list[int]:
    """Give a process and those that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pids: Sequence[int]) -> float:
    """Give the processor time that processes have used; those that have ended used none."""
    used = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / TICK


@contextmanager
def _on(opened: Opener, commands: Sequence[Sequence[str]], redis: str) -> Iterator[Service]:
    with opened() as url, _started(commands, url, redis) as service:
        yield service


@contextmanager
def _started(commands: Sequence[Sequence[str]], url: str, redis: str) -> Iterator[Service]:
    """Start the processes of a service; the first one tells the port."""
    with tempfile.TemporaryDirectory() as folder:
        ours = {
            "ERGOSCOPE_DATABASE_URL": url,
            "ERGOSCOPE_REDIS_URL": redis,
            "ERGOSCOPE_DATA_DIR": folder,
            "ERGOSCOPE_UNFOLDED_MB": str(2**20),  # what is measured is how much is taken, and how much of it folded
        }
        processes, said = [], []
        for command in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", "ergoscope.cli", *command],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **ours},
            )
            assert process.stdout is not None
            processes.append(process)
            said.append(process.stdout.readline())
        try:
            time.sleep(3 * (len(commands) - 1))  # a parent tells the port before its processes are there
            pids = [one for process in processes for one in family(process.pid)]
            with closing(Store(url)) as store:
                yield Service(int(said[0].rsplit(":", 1)[1]), pids, store, server_pids(url))
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(30)
            if redis:
                forget()
