"""The way in through HTTP: batches sent to a real service, acknowledged when durable, folded meanwhile.

    python -m benchmarks.ingest --seconds 8

Each sender is a connection that has one batch under way at a time, as a sidecar does; a run has one sender. Batches
hold 200 series of float32: 5 rows (1,000 points) as a sidecar sends them live, 50 rows (10,000 points) as it sends them
when it catches up. Senders share the machine with the service. Where Redis answers, a service of several processes too:
two that take batches in, and one that folds.
"""

import argparse
import http.client
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

import numpy as np
from sqlalchemy import func, select

from benchmarks.databases import REDIS, Opener, available, forget, redis_answers
from benchmarks.machine import about
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch, Block, Pulse
from ergoscope_server.store.store import Store
from ergoscope_server.store.tables import stream

SERIES = 200
NAMES = [f"grad_norm/layer{i}.weight" for i in range(SERIES)]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Service:
    """What is measured: where it listens, its processes, and its database."""

    port: int
    pids: list[int]
    store: Store


def body(run: str, seq: int, rows: int, values: bytes) -> bytes:
    """Pack one batch."""
    steps = np.arange(seq * rows, (seq + 1) * rows, dtype="<i8").tobytes()
    block = Block(list(range(SERIES)), steps, values, "f4", (time.time(), time.time()))
    return encode(Batch(1, run, 1, 0, seq, NAMES, [block], pulse=Pulse(time.time(), (seq + 1) * rows)))


def send(port: int, run: str, rows: int, until: float, taken: list[float]) -> None:
    """Send batches of one run until a moment; note how long each took to be acknowledged."""
    values = np.random.default_rng(0).standard_normal(SERIES * rows).astype("<f4").tobytes()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seq = 0
    while time.time() < until:
        packed = body(run, seq, rows, values)
        began = time.perf_counter()
        connection.request("POST", "/api/v1/batches", packed, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        taken.append(time.perf_counter() - began)
        seq += 1
    connection.close()


def senders(port: int, runs: int, rows: int, until: float, answer: Connection) -> None:
    """Send from one process, a thread a run."""
    taken: list[list[float]] = [[] for _ in range(runs)]
    threads = [Thread(target=send, args=(port, f"r{rows}-{runs}-{i}", rows, until, taken[i])) for i in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.send([t for one in taken for t in one])


def family(pid: int) -> list[int]:
    """Give a process and those that it has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pids: Sequence[int]) -> float:
    """Give the processor time that processes have used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICK


def folded(store: Store) -> int:
    """Give the points that are folded."""
    with store.database.read() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(stream.c.points), 0))).scalar_one())


def measure(service: Service, *, runs: int, rows: int, seconds: float) -> str:
    """Send for some seconds; give one row of the table."""
    here, there = multiprocessing.Pipe()
    pids = [one for pid in service.pids for one in family(pid)]
    before, done = cpu_seconds(pids), folded(service.store)
    began = time.time()
    process = multiprocessing.Process(target=senders, args=(service.port, runs, rows, began + seconds, there))
    process.start()
    taken = sorted(here.recv())
    process.join()
    elapsed = time.time() - began
    points = len(taken) * SERIES * rows
    share = (folded(service.store) - done) / points
    p50, p99 = taken[len(taken) // 2] * 1e3, taken[int(0.99 * (len(taken) - 1))] * 1e3
    cpu = (cpu_seconds(pids) - before) / points * 1e6
    rate = f"{points / elapsed / 1e6:.2f} M | {len(taken) / elapsed:.0f}"
    return f"{runs} | {SERIES * rows:,} | {rate} | {p50:.1f} / {p99:.1f} | {cpu:.2f} | {share:.0%}"


@contextmanager
def started(commands: Sequence[Sequence[str]], url: str, redis: str) -> Iterator[Service]:
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
        store = Store(url)
        time.sleep(3 * (len(commands) - 1))  # a parent tells the port before its processes are there
        yield Service(int(said[0].rsplit(":", 1)[1]), [process.pid for process in processes], store)
        store.close()
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(30)
        if redis:
            forget()


def services() -> dict[str, Callable[[], AbstractContextManager[Service]]]:
    """Give what there is to measure: one process on each database, and several where Redis answers."""
    up = [["up", "--port", "0", "--no-page"]]
    several = [["serve", "--port", "0", "--no-page", "--workers", "2"], ["work"]]
    databases = available()
    found = {name: partial(_on, opened, up, "") for name, opened in databases.items()}
    if "PostgreSQL" in databases and redis_answers():
        found["PostgreSQL, Redis, 2 + 1 processes"] = partial(_on, databases["PostgreSQL"], several, REDIS)
    return found


@contextmanager
def _on(opened: Opener, commands: Sequence[Sequence[str]], redis: str) -> Iterator[Service]:
    with opened() as url, started(commands, url, redis) as service:
        yield service


def main() -> None:
    """Measure each service and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of sending, for each row of the table")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 10, 100], help="concurrent runs")
    args = parser.parse_args()
    print(about("fastapi", "uvicorn", "sqlalchemy"))
    print("service | runs | points a batch | pts/s | batches/s | ack ms p50 / p99 |", end=" ")
    print("service CPU s per M | folded meanwhile")
    for name, opened in services().items():
        with opened() as service:
            for rows in (5, 50):
                for runs in args.runs:
                    print(f"{name} | {measure(service, runs=runs, rows=rows, seconds=args.seconds)}", flush=True)


if __name__ == "__main__":
    main()
