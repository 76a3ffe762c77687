"""Memory, bytes and the agent's own time: each variant trains in a process of its own and tells at the end.

    python -m benchmarks.footprint --net conv --steps 200 --settle 1000

Memory is the peak of the training process; ours has its sidecar beside it, and it is given apart. Bytes are what a
variant left on the disk for a step: of ours the spool, compressed as it would be sent. The time in our hooks is that of
the steps after the first `--settle` ones, in which a schedule learns what its probes cost; memory and bytes are of all.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import torch

from benchmarks.machine import about
from benchmarks.nets import NETS
from benchmarks.variants import variants_for
from ergoscope.fence import Fence

_MIB = 1 << 20
_HOOKS = "our hooks, us a step (mean) | (median)"


def train(net: str, variant: str, *, budgets: list[float], steps: int, settle: int) -> dict[str, float]:
    """Train in this process; give its peak memory in MiB, bytes a step, and microseconds of a step inside our hooks."""
    torch.set_num_threads(1)
    fences: list[Fence] = []
    made = Fence.__init__

    def remember(self: Fence, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)  # type: ignore[arg-type]  # passed on as given
        fences.append(self)

    Fence.__init__ = remember  # type: ignore[method-assign]  # the only way to the agent's own account
    job = NETS[net]()
    with tempfile.TemporaryDirectory() as folder:
        with variants_for(job, budgets=budgets, peers=True)[variant](job, folder) as do:
            each = []
            for step in range(settle + steps):
                before = sum(fence.spent for fence in fences)
                do(step)
                each.append(1e6 * (sum(fence.spent for fence in fences) - before))
            beside = _children_memory()
            time.sleep(1.0)  # what is written beside the training is written to the end
        size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file() and f.suffix != ".ring")
    told = {"memory": _peak(), "beside": beside, "bytes": size / (settle + steps)}
    return told | {"hooks": mean(each[settle:]), "median": median(each[settle:])}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB


def _children_memory() -> float:
    """Resident MiB of this process's children."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children)
    return pages * resource.getpagesize() / _MIB


def main() -> None:
    """Measure and print a table for each net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=[*NETS, "all"], default="all")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--settle", type=int, default=0, help="steps before those whose hooks are timed")
    parser.add_argument("--budgets", type=float, nargs="*", default=[], help="further shares of a step, such as 0.1")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(train(given.net, given.child, budgets=given.budgets, steps=given.steps, settle=given.settle)))
        return
    print(about("torch", "tensorboard", "wandb", "cockpit-for-pytorch", "torch-module-monitor"))
    print(f"{given.steps} steps after {given.settle} to settle, 1 torch thread\n")
    for net in NETS if given.net == "all" else [given.net]:
        print(f"### {net}\n| variant | peak memory, MiB | ratio | beside, MiB | bytes a step | {_HOOKS} |")
        print("|---|---|---|---|---|---|---|")
        base = 0.0
        for variant in variants_for(NETS[net](), budgets=given.budgets, peers=not given.no_peers):
            told = _child(net, variant, given)
            base = base or told["memory"]
            print(
                f"| {variant} | {told['memory']:.0f} | x{told['memory'] / base:.2f} | {told['beside']:.0f} "
                f"| {told['bytes']:.0f} | {told['hooks']:.0f} | {told['median']:.0f} |",
                flush=True,
            )
        print(flush=True)


def _child(net: str, variant: str, given: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.footprint", "--net", net, "--child", variant]
    command += ["--steps", str(given.steps), "--settle", str(given.settle)]
    if given.budgets:
        command += ["--budgets", *map(str, given.budgets)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    figures: dict[str, float] = json.loads(told)
    return figures


if __name__ == "__main__":
    main()
