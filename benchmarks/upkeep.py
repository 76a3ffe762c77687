"""What keeping costs: bytes a point, exporting a long run, thinning it, deleting it, and the space given back.

    python -m benchmarks.upkeep --millions 10

One run of one series of that many float32 points, folded. Each export runs in a process of its own, whose largest
resident memory is given beside that of one which exports a hundredth of the run.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.databases import available, bytes_used
from benchmarks.machine import about
from benchmarks.store import long_series
from ergoscope_contract.answers import Retention, RunSummary
from ergoscope_server.api.formats import write_csv, write_json
from ergoscope_server.api.parquet import write_parquet
from ergoscope_server.store import removal
from ergoscope_server.store.store import Store

FORMATS = {"csv": write_csv, "json": write_json, "parquet": write_parquet}
RUN = "long"
LATER_S = 100 * 86_400.0


def export(url: str, kind: str) -> None:
    """Write a run to nowhere; print bytes, seconds and the largest resident memory in bytes."""
    with closing(Store(url)) as store:
        summary = store.summary(RUN)
        assert isinstance(summary, RunSummary)
        began, size = time.perf_counter(), 0
        with store.upkeep.extraction(RUN, []) as found:
            for piece in FORMATS[kind](summary, found):
                size += len(piece)
    print(size, time.perf_counter() - began, _largest())


def _largest() -> int:
    """Give the largest resident memory of this process so far, bytes, and not that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def exported(url: str, kind: str) -> tuple[float, float, float]:
    """Do so in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.upkeep", "--export", kind, "--url", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1]), float(said[2])


def deletion(store: Store) -> Iterator[float]:
    """Delete the run, and give the seconds of each transaction."""
    began = time.perf_counter()
    store.upkeep.remove(RUN)
    yield time.perf_counter() - began
    more = True
    while more:
        began = time.perf_counter()
        with store.database.write() as connection:
            more = removal.take_piece(connection, RUN)
        yield time.perf_counter() - began


def filled(url: str, points: int) -> Store:
    """Open a store with a run of so many points, folded, whose log is gone."""
    store = Store(url, clock=lambda: time.time() + LATER_S)
    long_series(store, points)
    for run in store.untidy():
        store.tidy(run)
    return store


def small(url: str, points: int) -> dict[str, float]:
    """Give the largest resident memory of exports of a short run, by format."""
    with closing(filled(url, points)):
        return {kind: exported(url, kind)[2] for kind in FORMATS}


def measure(url: str, points: int, least: Mapping[str, float]) -> None:
    """Measure one database."""
    with closing(filled(url, points)) as store:
        print(f"  bytes a point: {bytes_used(url) / points:.2f}")
        for kind in FORMATS:
            size, seconds, memory = exported(url, kind)
            print(
                f"  {kind}: {points / seconds / 1e6:.2f} M points/s, {size / points:.1f} bytes a point, "
                f"at most {memory / 2**20:.0f} MiB; of a hundredth {least[kind] / 2**20:.0f} MiB",
                flush=True,
            )
        store.upkeep.save_policy(Retention("unknown", 1.0))
        began = time.perf_counter()
        store.upkeep.thin(RUN, within_s=3_600)
        print(f"  thinned in {time.perf_counter() - began:.1f} s: {bytes_used(url) / points:.2f} bytes a point")
        pieces = list(deletion(store))
        print(f"  deleted in {sum(pieces):.2f} s, {len(pieces)} transactions of at most {max(pieces) * 1e3:.0f} ms")
        began = time.perf_counter()
        given = store.upkeep.vacuum()
        if given is not None:
            seconds = time.perf_counter() - began
            print(f"  vacuum: {given.before / 1e6:.1f} MB before, {given.after / 1e6:.1f} MB after, {seconds:.2f} s")


def main() -> None:
    """Measure each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=10, help="points of the run, in millions")
    parser.add_argument("--export", choices=FORMATS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.export:
        export(args.url, args.export)
        return
    print(about("sqlalchemy", "numpy", "pyarrow"))
    for name, opened in available().items():
        print(name)
        with opened() as url:
            least = small(url, args.millions * 10_000)
        with opened() as url:
            measure(url, args.millions * 1_000_000, least)


if __name__ == "__main__":
    main()
