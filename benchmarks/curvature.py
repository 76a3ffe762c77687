"""What second derivatives cost, in products and in training steps, by our numerics and by peers in the same run.

Each method goes up its ladder of settings until its error is within the target for every seed (for the trace, until the
root mean square over the seeds is), or gives up; what it took there is its row. No library knows that setting before,
so a user spends more. The truth of eigenvalues is ARPACK's at a tolerance
of 1e-5, that of the trace an XTrace of many products. While something is measured the model is in evaluation mode, for
all alike. Times hold the forward pass that the graph comes from, which a watched job has made anyway.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.curvature --net mlp
"""

import argparse
import math
import random
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from benchmarks.curvature_ours import OURS, Found, Method, Warm, hessian_of, our_densities, our_tops, our_traces, xtrace
from benchmarks.curvature_peers import PACKAGES, peer_densities, peer_tops, peer_traces
from benchmarks.machine import about
from benchmarks.nets import NETS, Job

Table = tuple[str, list["Row"]]
HEAD = "| library | method | products | time, steps | a product, steps | error |\n|---|---|---|---|---|---|"


@dataclass
class Row:
    """A method's outcome at one setting: means over the seeds, the median time in seconds, or why it failed."""

    method: Method
    products: float = 0.0
    seconds: float = 0.0
    error: float = math.inf
    failure: str = ""

    def text(self, step: float) -> str:
        """Write it as a row, with times in training steps of `step` seconds."""
        start = f"| {self.method.library} | {self.method.name} |"
        if self.failure:
            return f"{start} | | | {self.failure} |"
        took = self.seconds / step
        error = "" if math.isnan(self.error) else f"{100 * self.error:.2g} %"
        return f"{start} {self.products:.3g} | {took:.1f} | {took / self.products:.2f} | {error} |"


def trained(net: str, steps: int) -> Job:
    """Train a job for some steps and put its model into evaluation mode."""
    job = NETS[net]()
    for _ in range(steps):
        job.step()
    job.optimizer.zero_grad()
    job.model.eval()
    return job


def step_seconds(net: str, steps: int = 30) -> float:
    """The median time of a training step, after some to warm up."""
    job, times = NETS[net](), []
    for _ in range(steps + 5):
        start = time.perf_counter()
        job.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[5:])


def true_top(job: Job, k: int) -> list[float]:
    """The top k eigenvalues by ARPACK, descending."""
    with hessian_of(job) as product:
        size = product.like.numel()

        def multiply(vector: np.ndarray) -> np.ndarray:
            return product(torch.from_numpy(vector.reshape(-1)).float()).double().numpy()

        operator = LinearOperator((size, size), matvec=multiply, dtype=np.float64)
        values = eigsh(operator, k=k, which="LA", tol=1e-5, v0=np.random.default_rng(0).normal(size=size))[0]
    return sorted(map(float, values), reverse=True)


def apart(found: Sequence[float], truth: Sequence[float]) -> float:
    """The largest relative error; infinite where some are missing, NaN where nothing is compared."""
    if not truth:
        return math.nan
    if len(found) < len(truth):
        return math.inf
    return max(abs(one - true) / abs(true) for one, true in zip(found, truth, strict=False))


def timed(run: Callable[[], Found]) -> tuple[Found, float]:
    """Run it, and give the seconds too."""
    start = time.perf_counter()
    found = run()
    return found, time.perf_counter() - start


@dataclass(frozen=True)
class Goal:
    """When a method has climbed high enough: its error within `within` for each of `seeds` seeds.

    mean: the root mean square error over the seeds instead of the worst. limit: products from half of which on no
    dearer setting is tried; the row then shows the error that is left.
    """

    within: float
    seeds: int = 1
    mean: bool = False
    limit: int = 300


def attempt(job: Job, method: Method, setting: float, truth: Sequence[float], goal: Goal) -> Row:
    """Run a method at one setting for each seed, up to the first one that misses the goal for good."""
    results: list[Found] = []
    times = []
    try:
        for seed in range(goal.seeds):
            found, seconds = timed(lambda seed=seed: method.run(job, setting, seed))
            results.append(found)
            times.append(seconds)
            if not goal.mean and apart(found.values, truth) > goal.within:
                break
    except Exception as error:  # a peer that this torch or this setting breaks is told as that
        return Row(method, failure=f"{type(error).__name__}: {str(error).partition('. ')[0][:100]}".replace("\n", " "))
    errors = [apart(found.values, truth) for found in results]
    worst = statistics.fmean(e * e for e in errors) ** 0.5 if goal.mean else max(errors)
    return Row(method, statistics.fmean(f.products for f in results), statistics.median(times), worst)


def climb(job: Job, methods: list[Method], truth: list[float], goal: Goal) -> list[Row]:
    """Take every method up its ladder until it reaches the goal, a rung of all of them at a time."""
    rows: dict[int, Row] = {}
    order = random.Random(0)
    for rung in range(max(len(m.ladder) for m in methods)):
        for number in order.sample(range(len(methods)), len(methods)):
            method, before = methods[number], rows.get(number)
            done = before is not None and (before.error <= goal.within or before.products > goal.limit / 2)
            if rung < len(method.ladder) and not done:
                rows[number] = attempt(job, method, method.ladder[rung], truth, goal)
    return [rows[number] for number in range(len(methods))]


def follow(net: str, given: argparse.Namespace) -> tuple[list[Row], int]:
    """Read the top eigenvalue again and again while training goes on; peers, and we once more, begin anew each time.

    Those that begin anew go up the ladder until they are as near to the truth as our warm reading, or within .1 %.
    The time is that of the last rung alone.
    """
    job, warm = NETS[net](), Warm()
    own = Method(OURS, "from the last reading on", (0,), lambda job, _setting, _seed: warm.read(job))
    methods = [*our_tops(1), *peer_tops(1)]
    kept: dict[int, list[Row]] = {number: [] for number in range(-1, len(methods))}
    for reading in range(given.readings + 1):
        job.model.train()
        for _ in range(given.every):
            job.step()
        job.optimizer.zero_grad()
        job.model.eval()
        truth = true_top(job, 1)
        rows = [attempt(job, own, 0, truth, Goal(math.inf))]
        rows += climb(job, methods, truth, Goal(max(rows[0].error, 1e-3), limit=given.limit))
        if reading:  # the first one of ours is cold too
            for number, row in enumerate(rows, start=-1):
                kept[number].append(row)
    return [_together(rows) for rows in kept.values()], given.readings


def _together(rows: list[Row]) -> Row:
    """Average over readings; one that failed stands for all."""
    failed = next((row for row in rows if row.failure), None)
    if failed is not None:
        return failed
    products, seconds, errors = zip(*((r.products, r.seconds, r.error) for r in rows), strict=True)
    return Row(rows[0].method, statistics.fmean(products), statistics.fmean(seconds), statistics.fmean(errors))


def show(title: str, rows: list[Row], step: float) -> None:
    """Print a table."""
    print(f"\n#### {title}\n{HEAD}", *(row.text(step) for row in rows), sep="\n", flush=True)


@dataclass(frozen=True)
class Subject:
    """A net that was trained a little: its trace and top eigenvalues, and the seconds of a training step."""

    net: str
    job: Job
    trace: list[float]
    top: list[float]
    step: float


def measure(net: str, given: argparse.Namespace) -> None:
    """Print the tables of a net that were asked for."""
    step, job = step_seconds(net), trained(net, given.train)
    subject = Subject(net, job, list(xtrace(job, given.truth, 1000).values), true_top(job, 10), step)
    size = sum(p.numel() for p in job.model.parameters())
    print(f"\n### {net}, after {given.train} steps\n\nA step takes {1e3 * step:.2f} ms; {size} parameters, ", end="")
    top = ", ".join(f"{value:.4g}" for value in subject.top)
    print(f"trace {subject.trace[0]:.4g}, top eigenvalues {top}.", flush=True)
    for table in given.tables:
        show(*TABLES[table](subject, given), step)
    print(f"\nA step took {1e3 * step_seconds(net):.2f} ms at the end.", flush=True)


def _tops(k: int, subject: Subject, given: argparse.Namespace) -> Table:
    goal = Goal(0.01, given.seeds, limit=given.limit)
    rows = climb(subject.job, [*our_tops(k), *peer_tops(k)], subject.top[:k], goal)
    name = "Top eigenvalue" if k == 1 else f"Top {k} eigenvalues"
    return f"{name}, each within 1 % for {given.seeds} seeds", rows


def _traces(subject: Subject, given: argparse.Namespace) -> Table:
    goal = Goal(0.05, 2 * given.seeds, mean=True, limit=given.limit)
    rows = climb(subject.job, [*our_traces(), *peer_traces()], subject.trace, goal)
    return f"Trace, root mean square error over {2 * given.seeds} seeds within 5 %", rows


def _densities(subject: Subject, given: argparse.Namespace) -> Table:
    runs, length = given.draws, given.lanczos
    rows = climb(subject.job, [*our_densities(runs, length), *peer_densities(runs, length)], [], Goal(math.inf))
    return f"Density, {runs} runs of {length} steps", rows


def _following(subject: Subject, given: argparse.Namespace) -> Table:
    rows, count = follow(subject.net, given)
    return f"Top eigenvalue while training, mean of {count} readings, {given.every} steps apart", rows


TABLES: dict[str, Callable[[Subject, argparse.Namespace], Table]] = {
    "top": partial(_tops, 1),
    "top-10": partial(_tops, 10),
    "trace": _traces,
    "density": _densities,
    "following": _following,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=NETS, nargs="*", default=["mlp", "conv"])
    parser.add_argument("--tables", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--train", type=int, default=5, help="steps before anything is measured")
    parser.add_argument("--seeds", type=int, default=5, help="runs at each setting; of a trace twice as many")
    parser.add_argument("--limit", type=int, default=300, help="products after which a method is given up")
    parser.add_argument("--truth", type=int, default=200, help="products for the true trace")
    parser.add_argument("--draws", type=int, default=3, help="Lanczos runs of a density")
    parser.add_argument("--lanczos", type=int, default=80, help="steps of each")
    parser.add_argument("--readings", type=int, default=10, help="of the top eigenvalue while training")
    parser.add_argument("--every", type=int, default=2, help="training steps between two readings")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.simplefilter("ignore")  # peers warn at every call
    print(about("torch", *PACKAGES))
    print(f"{given.threads} torch thread(s)")
    for net in given.net:
        measure(net, given)


if __name__ == "__main__":
    main()
