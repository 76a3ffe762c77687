"""The way in through HTTP: batches sent to a real service, acknowledged when durable, folded meanwhile.

    python -m benchmarks.ingest --seconds 5 --peers /path/to/python

Each sender is a connection that has one batch under way at a time, as a sidecar does; a run has one sender. Batches
hold 200 series of float32: 5 rows (1,000 points) as a sidecar sends them live, 50 rows (10,000 points) as it sends them
when it catches up. Senders share the machine with the service. Where Redis answers, a service of several processes too:
two that take batches in, and one that folds.

After each load as fast as it goes, what is not folded yet is folded, and "folded too" counts that time as well. Then
half that load is sent at even times, and the wait of each batch counts from when it was due.

Peers are measured where a Python is named in which they are installed: the same values through their own servers.
"""

import argparse
import time
from functools import partial

import numpy as np

from benchmarks.ingest_peers import peers
from benchmarks.ingest_senders import Line, load, quantile
from benchmarks.machine import about
from benchmarks.services import Service, cpu_seconds, services
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch, Block, Pulse

SERIES = 200
NAMES = [f"grad_norm/layer{i}.weight" for i in range(SERIES)]
HEAD = (
    "service | runs | points a batch | pts/s | folded too, pts/s | batches/s | ack ms p50 / p99 | service CPU s per M |"
    " database CPU s per M | ack ms p50 / p99 at half the load"
)
PACED = "service | runs | points a batch | pts/s | batches/s | ack ms p50 / p99"


def body(values: bytes, rows: int, run: str, seq: int) -> bytes:
    """Pack one batch."""
    steps = np.arange(seq * rows, (seq + 1) * rows, dtype="<i8").tobytes()
    block = Block(list(range(SERIES)), steps, values, "f4", (time.time(), time.time()))
    return encode(Batch(1, run, 1, 0, seq, NAMES, [block], pulse=Pulse(time.time(), (seq + 1) * rows)))


def measure(service: Service, *, runs: int, rows: int, seconds: float) -> str:
    """Send for some seconds, then at half that pace; give one row of the table."""
    line = partial(Line, service.port, "/api/v1/batches", "application/octet-stream")
    values = np.random.default_rng(0).standard_normal(SERIES * rows).astype("<f4").tobytes()
    make = partial(body, values, rows)
    names = [f"r{rows}-{runs}-{i}" for i in range(runs)]
    before, server = cpu_seconds(service.pids), cpu_seconds(service.database_pids)
    began = time.time()
    taken, elapsed = load(line, make, names, seconds=seconds)
    fold(service, names)
    whole = time.time() - began
    points = len(taken) * SERIES * rows
    used = (cpu_seconds(service.pids) - before) / points * 1e6
    by_server = (cpu_seconds(service.database_pids) - server) / points * 1e6
    slower = [f"half-{name}" for name in names]
    paced, _ = load(line, make, slower, seconds=seconds, every_s=2 * runs * elapsed / len(taken))
    fold(service, slower)
    return (
        f"{runs} | {SERIES * rows:,} | {points / elapsed / 1e6:.2f} M | {points / whole / 1e6:.2f} M | "
        f"{len(taken) / elapsed:.0f} | {waits(taken)} | {used:.2f} | "
        f"{f'{by_server:.2f}' if service.database_pids else '-'} | {waits(paced)}"
    )


def paced(service: Service, *, runs: int, rows: int, rate: float, seconds: float) -> str:
    """Send so many points a second; give one row of the table."""
    line = partial(Line, service.port, "/api/v1/batches", "application/octet-stream")
    values = np.random.default_rng(0).standard_normal(SERIES * rows).astype("<f4").tobytes()
    names = [f"paced{rows}-{runs}-{i}" for i in range(runs)]
    every_s = runs * rows * SERIES / rate
    taken, elapsed = load(line, partial(body, values, rows), names, seconds=seconds, every_s=every_s)
    fold(service, names)
    points = len(taken) * SERIES * rows
    return f"{runs} | {SERIES * rows:,} | {points / elapsed / 1e6:.2f} M | {len(taken) / elapsed:.0f} | {waits(taken)}"


def waits(taken: list[float]) -> str:
    """Give the median and the 99th percentile."""
    return f"{quantile(taken, 0.5):.1f} / {quantile(taken, 0.99):.1f}"


def fold(service: Service, names: list[str]) -> None:
    """Fold what the service has not folded yet of some runs: it waits for more, or is at it."""
    for name in names:
        service.store.fold(name)


def main() -> None:
    """Measure each service and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of sending, twice for each row of the table")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 10, 100], help="concurrent runs")
    parser.add_argument("--rows", type=int, nargs="+", default=[5, 50], help="rows of 200 points a batch")
    parser.add_argument("--services", nargs="+", help="those whose names begin so; else all")
    parser.add_argument("--rate", type=float, help="only send so many points a second, at even times")
    parser.add_argument("--peers", help="a Python in which MLflow or Trackio is installed")
    args = parser.parse_args()
    print(about("fastapi", "uvicorn", "httptools", "sqlalchemy"))
    head = PACED if args.rate else HEAD
    print(f"{head}\n{'-|' * head.count('|')}-")
    for name, opened in services().items():
        if args.services and not name.startswith(tuple(args.services)):
            continue
        with opened() as service:
            for rows in args.rows:
                for runs in args.runs:
                    how = {"runs": runs, "rows": rows, "seconds": args.seconds}
                    row = paced(service, rate=args.rate, **how) if args.rate else measure(service, **how)
                    print(f"{name} | {row}", flush=True)
    if args.peers:
        peers(args.peers, args.runs, seconds=args.seconds)


if __name__ == "__main__":
    main()
