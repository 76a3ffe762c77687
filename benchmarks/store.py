"""The store alone, without HTTP: points taken in and folded, bytes a point, and milliseconds for a chart.

    python -m benchmarks.store --millions 10

Batches of 1,000 points (200 series, 5 rows, float32) of 20 runs, one or ten batches a transaction, folded inline after
64 batches of a run, by one thread. Charts have 1,000 buckets, from one series of that many million points.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.databases import available, bytes_used
from benchmarks.machine import about
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.entry import Entry, Rows
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from ergoscope_server.work.due import ROWS

SERIES, STEPS, RUNS = 200, 5, 20
BUCKETS = 1_000
random = np.random.default_rng(0)


def entry(series: int, start: int, rows: int) -> bytes:
    """Pack random float32 values of some series."""
    names = [f"grad_norm/layer{i}.weight" for i in range(series)]
    values = random.standard_normal((series, rows)).astype("<f4")
    steps = np.arange(start, start + rows, dtype="<i8")
    return Entry(names, [Rows(list(range(series)), steps.tobytes(), values.tobytes(), "f4", (0.0, 1.0))]).pack()


def write(store: Store, *, batches: int, together: int) -> tuple[float, float]:
    """Take batches of all runs in, fold them; give points a second and CPU seconds a million points."""
    packed = [entry(SERIES, seq * STEPS, STEPS) for seq in range(batches)]
    began, used = time.perf_counter(), time.process_time()
    for start in range(0, batches, together):
        for run in range(RUNS):
            numbers = range(start, min(start + together, batches))
            made = [Arrival(f"{together}-{run}", 1, 0, seq, time.time(), packed[seq]) for seq in numbers]
            store.accept(made)
        if (start + together) % ROWS < together:
            for run in range(RUNS):
                store.fold(f"{together}-{run}")
    points = batches * RUNS * SERIES * STEPS
    return points / (time.perf_counter() - began), (time.process_time() - used) / points * 1e6


def long_series(store: Store, points: int) -> None:
    """Fill one series."""
    rows = 50_000
    for seq in range(points // rows):
        store.accept([Arrival("long", 1, 0, seq, time.time(), entry(1, seq * rows, rows))])
        if seq % 16 == 15:
            store.fold("long")
    while store.fold("long"):
        pass


def timed(ask: Callable[[int], object], times: int) -> str:
    """Give the median and the 99th percentile of some calls, in milliseconds."""
    taken = []
    for i in range(times):
        began = time.perf_counter()
        ask(i)
        taken.append((time.perf_counter() - began) * 1e3)
    taken.sort()
    return f"{statistics.median(taken):.1f} / {taken[int(0.99 * (times - 1))]:.1f}"


def charts(store: Store, points: int) -> list[str]:
    """Time charts of the long series: all of it, random ranges, and narrow ones."""
    name = "grad_norm/layer0.weight"
    wide = [sorted(random.integers(0, points, 2).tolist()) for _ in range(300)]
    narrow = [(int(a), int(a) + 20_000) for a in random.integers(0, points, 300)]
    return [
        timed(lambda _: store.series("long", Query([name], buckets=BUCKETS)), 200),
        timed(lambda i: store.series("long", Query([name], wide[i][0], wide[i][1], BUCKETS)), 300),
        timed(lambda i: store.series("long", Query([name], narrow[i][0], narrow[i][1], BUCKETS)), 300),
    ]


def main() -> None:
    """Measure each database and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=10, help="points of the charted series, in millions")
    parser.add_argument("--batches", type=int, default=256, help="batches a run")
    args = parser.parse_args()
    print(about("sqlalchemy", "numpy"))
    print(
        "database | pts/s, CPU s per M: 1 batch a transaction | 10 batches | B/pt float32 | chart ms p50 / p99: all | "
        "random range | 20,000 steps"
    )
    for name, opened in available().items():
        with opened() as url:
            store = Store(url, clock=lambda: time.time() + 3_600)  # an hour on, the folded log may go
            one = write(store, batches=args.batches, together=1)
            ten = write(store, batches=args.batches, together=10)
            long_series(store, args.millions * 1_000_000)
            for run in store.untidy():
                store.tidy(run)
            points = args.millions * 1_000_000 + 2 * args.batches * RUNS * SERIES * STEPS
            size = bytes_used(url) / points
            written = " | ".join(f"{rate / 1e6:.2f} M, {cpu:.2f}" for rate, cpu in (one, ten))
            print(
                f"{name} | {written} | {size:.1f} | " + " | ".join(charts(store, args.millions * 1_000_000)), flush=True
            )
            store.close()


if __name__ == "__main__":
    main()
