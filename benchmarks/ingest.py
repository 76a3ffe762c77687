"""The way in through HTTP: batches sent to a real service, acknowledged when durable, folded meanwhile.

    python -m benchmarks.ingest --seconds 8

Each sender is a connection that has one batch under way at a time, as a sidecar does; a run has one sender. Batches
hold 200 series of float32: 5 rows (1,000 points) as a sidecar sends them live, 50 rows (10,000 points) as it sends them
when it catches up. Senders share the machine with the service.
"""

import argparse
import http.client
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

import numpy as np

from benchmarks.databases import available
from benchmarks.machine import about
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch, Block, Pulse

SERIES = 200
NAMES = [f"grad_norm/layer{i}.weight" for i in range(SERIES)]
TICK = os.sysconf("SC_CLK_TCK")


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


def cpu_seconds(pid: int) -> float:
    """Give the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def counted(port: int, name: str) -> float:
    """Give one of the service's own figures."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def measure(port: int, pid: int, *, runs: int, rows: int, seconds: float) -> str:
    """Send for some seconds; give one row of the table."""
    here, there = multiprocessing.Pipe()
    before, folded = cpu_seconds(pid), counted(port, "ergoscope_folded_points_total")
    began = time.time()
    process = multiprocessing.Process(target=senders, args=(port, runs, rows, began + seconds, there))
    process.start()
    taken = sorted(here.recv())
    process.join()
    elapsed = time.time() - began
    points = len(taken) * SERIES * rows
    share = (counted(port, "ergoscope_folded_points_total") - folded) / points
    p50, p99 = taken[len(taken) // 2] * 1e3, taken[int(0.99 * (len(taken) - 1))] * 1e3
    cpu = (cpu_seconds(pid) - before) / points * 1e6
    rate = f"{points / elapsed / 1e6:.2f} M | {len(taken) / elapsed:.0f}"
    return f"{runs} | {SERIES * rows:,} | {rate} | {p50:.1f} / {p99:.1f} | {cpu:.2f} | {share:.0%}"


def main() -> None:
    """Measure each database and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of sending, for each row of the table")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 10, 100], help="concurrent runs")
    args = parser.parse_args()
    print(about("fastapi", "uvicorn", "sqlalchemy"))
    print("database | runs | points a batch | pts/s | batches/s | ack ms p50 / p99 |", end=" ")
    print("service CPU s per M | folded meanwhile")
    for name, opened in available().items():
        with opened() as url, tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "ergoscope.cli", "up", "--port", "0", "--no-page", "--data-dir", folder]
            service = subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, "ERGOSCOPE_DATABASE_URL": url}
            )
            assert service.stdout is not None
            port = int(service.stdout.readline().rsplit(":", 1)[1])
            for rows in (5, 50):
                for runs in args.runs:
                    row = measure(port, service.pid, runs=runs, rows=rows, seconds=args.seconds)
                    print(f"{name} | {row}", flush=True)
            service.send_signal(signal.SIGTERM)
            service.wait(20)


if __name__ == "__main__":
    main()
