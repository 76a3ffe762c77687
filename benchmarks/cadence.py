"""How often curvature is read within a budget, and what that costs the training.

A watched job trains beside one that is not, in blocks by turns. Counted are the readings of the second half of the
steps, when the schedule knows what they cost; time is the mean over all steps of that half, readings included.

With `--alone` only the watched job trains, which shows how often it is read in half the time, and no ratio.

    python -m benchmarks.cadence --net gpt-1m --steps 4096 --shares 8
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmarks.machine import about
from benchmarks.nets import NETS, Job
from ergoscope.taps import attach
from ergoscope_contract.records import Event, Grid, Histogram, Sketch, Spectrum

_BLOCK = 32
_READ = {
    "sharpness": ("lambda_max", "lambda_max_precond"),
    "spectrum": ("hess_trace",),
    "trust ratio": ("trust_ratio",),
    "gradient": ("grad_norm",),
}


class Counter:
    """An outlet that notes at which step each quantity was handed over."""

    def __init__(self) -> None:
        self._tables: list[tuple[str, ...]] = []
        self.steps: dict[str, list[int]] = defaultdict(list)

    def table(self, keys: Sequence[str]) -> int:
        """Register a set of keys."""
        self._tables.append(tuple(keys))
        return len(self._tables) - 1

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Note the step."""
        del values, dtype
        for key in self._tables[table]:
            self.steps[key].append(step)

    def record(self, record: Histogram | Sketch | Spectrum | Grid | Event) -> None:
        """Leave it."""
        del record


def _losses(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    inputs, targets = batch
    logits: Tensor = model(inputs)
    return nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten())


def _probe(job: Job, share: int) -> tuple[Tensor, Tensor]:
    """The first rows of the job's batch: so many that there are `share` times as many in all."""
    rows = max(len(job.inputs) // share, 1)
    return job.inputs[:rows], job.targets.view(len(job.inputs), -1)[:rows]


def measure(net: str, *, budget: float, share: int, steps: int, alone: bool = False) -> str:
    """Train, and give the rows of a table."""
    job, seen = NETS[net](), Counter()
    jobs = {"watched": job} if alone else {"plain": NETS[net](), "watched": job}
    fixed = {"probe": _probe(job, share), "loss_fn": _losses} if share else {}
    taps = attach(job.model, job.optimizer, seen, budget=budget, curvature="model", **fixed)  # type: ignore[arg-type]  # both or none
    took: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(steps // _BLOCK):
        for name, one in jobs.items():
            start = time.perf_counter()
            for _ in range(_BLOCK):
                one.step()
            took[name].append(time.perf_counter() - start)
    taps.detach()
    half = len(took["watched"]) // 2
    late = {name: sum(blocks[half:]) for name, blocks in took.items()}
    ratio = "" if alone else f"x{late['watched'] / late['plain']:.3f}"
    usual = 1e3 * statistics.median(took["watched" if alone else "plain"]) / _BLOCK
    every = ", ".join(f"{name} {_every(seen, keys, steps)}" for name, keys in _READ.items())
    batch = f"1/{share} of the batch, fixed" if share else "the training's own"
    return f"| {net} | {usual:.1f} | {batch} | {100 * budget:g} % | {ratio} | {every} |"


def _every(seen: Counter, keys: Sequence[str], steps: int) -> str:
    found = sorted({step for key in keys for step in seen.steps[key] if step > steps // 2})
    return f"every {steps / 2 / len(found):.0f}" if found else "never"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=NETS, nargs="*", default=["gpt-1m"])
    parser.add_argument("--budgets", type=float, nargs="*", default=[0.02])
    parser.add_argument("--shares", type=int, nargs="*", default=[8], help="of the batch in the probe; 0 for no probe")
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--alone", action="store_true", help="train no job without an agent beside it")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(about("torch"))
    print(f"{given.steps} steps, readings and time of the second half\n")
    print("| net | step, ms | batch | budget | mean ratio | read |\n|---|---|---|---|---|---|", flush=True)
    for net in given.net:
        for share in given.shares:
            for budget in given.budgets:
                print(measure(net, budget=budget, share=share, steps=given.steps, alone=given.alone), flush=True)


if __name__ == "__main__":
    main()
