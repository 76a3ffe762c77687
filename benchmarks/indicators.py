"""What judging costs: a full evaluation of one run's indicators, and how many live runs a core holds.

    python -m benchmarks.indicators --runs 40

The first table times the numbers alone, in memory: every test and reading at the end of a stretch, with all series a
run can have: loss, rate and norms at every step, 20 others at one step in 50, 128 sketches of 1,021 numbers. The second
times whole looks of the watch on a store in SQLite: reading the series, playing what is new, saving the verdict. Runs
have 12,000 steps behind them and get the steps of two seconds between two looks, which is the watch's cadence; what
taking in and folding costs is not counted. CPU time of one thread.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.databases import sqlite
from benchmarks.machine import about
from ergoscope_contract.records import Attempt, Run
from ergoscope_server.alerts.notify import NoNotify
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.history.chronicle import Chronicle
from ergoscope_server.history.play import play
from ergoscope_server.indicators.assessment import RunData, assess
from ergoscope_server.indicators.invariance import Looks
from ergoscope_server.indicators.points import Points, points
from ergoscope_server.indicators.readings import readings
from ergoscope_server.indicators.stationarity import AVERAGED, RUNNING
from ergoscope_server.indicators.true_gradient import Peak, follow_peak
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.entry import Entry, Rows
from ergoscope_server.store.store import Store
from ergoscope_server.watch import EVERY_S, Watch

DENSE = ("loss", "grad_norm", "update_norm", "weight_norm", "lr")
RARE = (*AVERAGED, *RUNNING, "descent_balance", "descent_balance_error", "sharpness_ratio", "trust_ratio")
BETWEEN = 50
BEHIND = 12_000
TIMES = 30
RESULTS = Path(__file__).parent / "results" / "indicators.md"
HEAD = """# What judging costs, as printed

`python -m benchmarks.indicators --save`. CPU time of one thread; the watch looks at a run every two seconds. The
machine did other work meanwhile, which makes CPU time longer.

What it says. All tests and readings of one run over 10,000 steps take less than 20 ms, however long the run is, and
come once in 100 to 500 steps; what lies between, flags and schedule, takes about one. Of runs that make a step a
second a core holds more than 1,000; at ten steps a second, where nearly each look has something to play, some 240:
reading the series is most of that.
"""


def series(first: int, last: int, seed: int) -> dict[str, Points]:
    """Make what a run logs at steps first .. last - 1: a level loss and whatever else there can be."""
    random = np.random.default_rng([seed, first])
    steps = np.arange(first, last)
    noise = {name: 1 + 0.1 * random.normal(size=last - first) for name in DENSE[:-1]}
    found = {name: points(steps, values) for name, values in noise.items()}
    found["lr"] = points(steps, np.full(last - first, 0.1))
    rare = steps[steps % BETWEEN == 0]
    return found | {name: points(rare, 0.5 + 0.1 * random.normal(size=len(rare))) for name in RARE}


def evaluation(steps: int) -> tuple[list[float], int]:
    """Time a full evaluation at the end of so many steps; give CPU ms of each repetition, and how many have a value."""
    known = series(0, steps, 0)
    looks = Looks(np.arange(0, steps, steps // 128)[:128], np.random.default_rng(0).normal(size=(128, 1021)))
    data = RunData(
        *(known[name] for name in ("loss", "grad_norm", "lr")),
        update=known["update_norm"],
        sharpness=known["sharpness_ratio"],
        looks=lambda: looks,
        measured=lambda key: known.get(key, Points(np.empty(0, np.int64), np.empty(0))),
    )
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        peak = follow_peak(Peak(), known["grad_sq_norm_debiased"])
        found = assess(data, step=steps, reset=0, start=None, highest=1.0, settled=False, seed=0, peak=peak)
        told = readings(found, data)
        taken.append(1e3 * (time.process_time() - began))
    return taken, sum(reading.value is not None for reading in told)


def beat(steps: int) -> list[float]:
    """Time a look at flags and schedule alone, which comes between two evaluations."""
    known = series(0, steps + BETWEEN, 0)
    loss, grad, lr = (known[name] for name in ("loss", "grad_norm", "lr"))
    whole = RunData(loss, grad, lr, loss, grad)
    before = play(Chronicle(), whole.upto(steps), run="r", now=0.0).chronicle
    assert before.step - before.judged < 400, "the next beat would be a judgement"
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        play(before, whole.upto(before.step + 25), run="r", now=0.0)
        taken.append(1e3 * (time.process_time() - began))
    return taken


def arrival(run: str, seq: int, known: Mapping[str, Points]) -> Arrival:
    """Make a batch of series."""
    names, rows = list(known), []
    for number, points_ in enumerate(known.values()):
        if len(points_):
            packed = points_.steps.astype("<i8").tobytes(), points_.values.astype("<f4").tobytes()
            rows.append(Rows([number], *packed, "f4", (0.0, 1.0)))
    now, last = time.time(), int(known["loss"].steps[-1])
    told = {"about": Run(run, "benchmark", run, now), "begun": Attempt(1, now)} if not seq else {}
    return Arrival(run, 1, 0, seq, now, Entry(names, rows).pack(), last, **told)  # type: ignore[arg-type]  # both are there


def watched(store: Store, runs: int, rate: int, rounds: int) -> list[float]:
    """Let runs log `rate` steps a second; give CPU milliseconds of each look."""
    names = [f"{rate}-{number}" for number in range(runs)]
    for number, name in enumerate(names):
        store.accept([arrival(name, 0, series(0, BEHIND, number))])
        store.fold(name)
    watch = Watch(store, MemoryBus(), NoNotify(), clock=time.time)
    for name in names:
        watch.evaluate(name)
    taken, fresh = [], round(EVERY_S * rate)
    for turn in range(rounds):
        for number, name in enumerate(names):
            first = BEHIND + turn * fresh
            store.accept([arrival(name, 1 + turn, series(first, first + fresh, number))])
            if turn % 20 == 19:
                store.fold(name)
            began = time.thread_time()
            watch.evaluate(name)
            taken.append(1e3 * (time.thread_time() - began))
    return taken


def main() -> None:
    """Print both tables, and keep them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="live runs of each pace")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name} in benchmarks/results")
    args = parser.parse_args()
    lines = [about("numpy", "scipy"), "", *numbers(), "", *looks(args.runs)]
    print("\n".join(lines))
    if args.save:
        RESULTS.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")


def numbers() -> Iterator[str]:
    """Give the table of evaluations in memory, line by line."""
    yield "| what | steps | CPU ms, median / largest |\n|-|-|-|"
    for steps in (1_000, 4_000, 10_000, 100_000):
        taken, valued = evaluation(steps)
        what = f"full evaluation, {valued} readings with a value"
        yield f"| {what} | {steps:,} | {statistics.median(taken):.1f} / {max(taken):.1f} |"
    taken = beat(9_700)
    yield f"| flags and schedule alone | 9,700 | {statistics.median(taken):.2f} / {max(taken):.2f} |"


def looks(runs: int) -> Iterator[str]:
    """Give the table of the watch's looks, line by line."""
    yield "| steps a second | looks | CPU ms a look, mean / median / 99th percentile | live runs a core |\n|-|-|-|-|"
    with sqlite() as url:
        store = Store(url)
        for rate, rounds in ((1, 120), (10, 60)):
            taken = sorted(watched(store, runs, rate, rounds))
            mean, most = statistics.fmean(taken), taken[int(0.99 * len(taken))]
            held = 1e3 * EVERY_S / mean
            told = f"{mean:.2f} / {statistics.median(taken):.2f} / {most:.1f}"
            yield f"| {rate} | {len(taken):,} | {told} | {held:,.0f} |"


if __name__ == "__main__":
    main()
