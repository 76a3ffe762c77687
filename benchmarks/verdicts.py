"""The verdict against runs of which it is known how they stand: a confusion table.

Each way to train runs at every seed, watched by the agent with a budget of 100 %, as the runs are short. What it
measured is kept in files, so that the verdict can be asked again in seconds.

    python -m benchmarks.verdicts                       # trains what is not kept yet, then judges: a quarter of an hour
    python -m benchmarks.verdicts --replay              # judges what is kept
    python -m benchmarks.verdicts --only plane --seeds 0 --sentences
"""

import argparse
import sys
import time
from pathlib import Path

import torch

from benchmarks.machine import about
from benchmarks.verdict_runs.case import SEEDS
from benchmarks.verdict_runs.cases import CASES
from benchmarks.verdict_runs.judging import Outcome, outcome
from benchmarks.verdict_runs.record import Recording
from benchmarks.verdict_runs.report import report
from benchmarks.verdict_runs.training import run

CACHE = Path.home() / ".cache" / "ergoscope" / "verdicts"


def gather(folder: Path, *, only: str = "", seeds: tuple[int, ...] = SEEDS, replay: bool = False) -> list[Outcome]:
    """Train what is not kept yet, unless only kept runs are asked for, and judge.

    Args:
        folder: Where recordings are kept.
        only: Part of the names of cases or labels.
        seeds: Which seeds.
        replay: Leave out what is not kept.
    """
    found = []
    for case in CASES:
        for seed in seeds:
            path = folder / f"{case.name}-{seed}.npz"
            if (only not in case.name and only not in case.label) or (replay and not path.exists()):
                continue
            if not path.exists():
                start = time.perf_counter()
                run(case, seed).save(path)
                print(f"{case.name} {seed}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            found.append(outcome(Recording.load(path)))
    return found


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where what was measured is kept")
    parser.add_argument("--only", default="", help="part of a name or label")
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--replay", action="store_true", help="train nothing")
    parser.add_argument("--sentences", action="store_true", help="print what was said of each run as well")
    given = parser.parse_args()
    torch.set_num_threads(1)
    start = time.perf_counter()
    found = gather(given.cache, only=given.only, seeds=tuple(given.seeds), replay=given.replay)
    took = time.perf_counter() - start
    print(about("torch", "numpy"))
    print(f"{len(found)} runs, seeds {', '.join(map(str, given.seeds))}; {took:.0f} s\n")
    print(report(found, sentences=given.sentences))


if __name__ == "__main__":
    main()
