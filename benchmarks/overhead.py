"""What watching costs a training step, against doing nothing and against peers, interleaved in one process.

Every variant trains a model of its own from the same start. In each round every variant does a block of steps, in a
random order, so a drift of the machine touches all alike; a ratio compares blocks of one round.
Helper processes of the variants (our sidecar, a peer's service) run all the time, so doing nothing pays for them too.
Doing nothing is there twice: how far the second is from the first is what chance, above all the luck of where a model
lies in memory, does to a ratio.
`--settle` steps of each variant come before the first round: in its first few hundred steps a schedule learns what its
probes cost, and that is a part of no long training that anybody would see.

    python -m benchmarks.overhead --net conv --rounds 40
"""

import argparse
import random
import statistics
import tempfile
import time

import torch

from benchmarks.machine import about
from benchmarks.nets import NETS
from benchmarks.variants import Step, Variant, variants_for


def block(do: Step, *, first: int, steps: int) -> list[float]:
    """Time each step of a block, in seconds, what is done around it included."""
    times = []
    for step in range(first, first + steps):
        start = time.perf_counter()
        do(step)
        times.append(time.perf_counter() - start)
    return times


def measure(
    net: str, variants: dict[str, Variant], *, rounds: int, steps: int, settle: int
) -> dict[str, list[list[float]]]:
    """Give the step times by variant and round; the first round, and `settle` steps before it, only warm up."""
    names = list(variants)
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        jobs = {name: NETS[net]() for name in names}
        live = {name: variants[name](jobs[name], folder) for name in names}
        do = {name: context.__enter__() for name, context in live.items()}
        for name in names:
            block(do[name], first=0, steps=settle)
        order = random.Random(0)
        for turn in range(rounds + 1):
            for name in order.sample(names, len(names)):
                times[name].append(block(do[name], first=settle + turn * steps, steps=steps))
        for context in live.values():
            context.__exit__(None, None, None)
    return {name: found[1:] for name, found in times.items()}


def quantile(values: list[float], share: float) -> float:
    """Give the value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def report(net: str, times: dict[str, list[list[float]]]) -> str:
    """Write the table: ratios to doing nothing of the median, mean and 99th percentile step."""
    base = times["nothing"]
    rows = ["| variant | median step, ms | median ratio | ratio, quartiles over rounds | mean ratio | p99 ratio |"]
    rows.append("|---|---|---|---|---|---|")
    plain_all = [t for turn in base for t in turn]
    for name, found in times.items():
        every = [t for turn in found for t in turn]
        ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(found, base, strict=True)]
        rows.append(
            f"| {name} | {1e3 * statistics.median(every):.2f} | x{statistics.median(ratios):.3f} "
            f"| {quantile(ratios, 0.25):.3f} to {quantile(ratios, 0.75):.3f} "
            f"| x{statistics.mean(every) / statistics.mean(plain_all):.3f} "
            f"| x{quantile(every, 0.99) / quantile(plain_all, 0.99):.3f} |"
        )
    return f"### {net}\n" + "\n".join(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=[*NETS, "all"], default="all")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--steps", type=int, default=20, help="steps of a variant in a round")
    parser.add_argument("--settle", type=int, default=0, help="steps of each variant before all rounds")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--budgets", type=float, nargs="*", default=[], help="further shares of a step, such as 0.1")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(about("torch", "tensorboard", "wandb", "cockpit-for-pytorch", "torch-module-monitor"))
    print(
        f"{given.rounds} rounds of {given.steps} steps each after {given.settle} steps to settle, "
        f"{given.threads} torch thread(s)\n"
    )
    for net in NETS if given.net == "all" else [given.net]:
        variants = variants_for(NETS[net](), budgets=given.budgets, peers=not given.no_peers)
        times = measure(net, variants, rounds=given.rounds, steps=given.steps, settle=given.settle)
        print(report(net, times), "\n", flush=True)


if __name__ == "__main__":
    main()
