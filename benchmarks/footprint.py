"""Memory, bytes and the agent's own time: each variant trains in a process of its own and tells at the end.

    python -m benchmarks.footprint --net conv --steps 200

Memory is the peak of the training process; ours has its sidecar beside it, which is given apart. Bytes are those of the
spool, compressed as they would be sent.
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

import torch

from benchmarks.machine import about
from benchmarks.nets import NETS
from benchmarks.watched import watched
from ergoscope.fence import Fence

_MIB = 1 << 20


def train(net: str, variant: str, steps: int) -> dict[str, float]:
    """Train in this process; give its peak memory in MiB, bytes a step, and microseconds a step inside our hooks."""
    torch.set_num_threads(1)
    fences: list[Fence] = []
    made = Fence.__init__

    def remember(self: Fence, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)  # type: ignore[arg-type]  # passed on as given
        fences.append(self)

    Fence.__init__ = remember  # type: ignore[method-assign]  # the only way to the agent's own account
    job = NETS[net]()
    with tempfile.TemporaryDirectory() as folder:
        if variant == "nothing":
            for _ in range(steps):
                job.step()
            return {"memory": _peak()}
        with watched(job, folder):
            for _ in range(steps):
                job.step()
            spent = sum(fence.spent for fence in fences)
            sidecar = _sidecar_memory()
            time.sleep(1.0)  # the sidecar writes what is left
        size = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file() and f.suffix != ".ring")
        return {"memory": _peak(), "sidecar": sidecar, "bytes": size / steps, "hooks": 1e6 * spent / steps}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB


def _sidecar_memory() -> float:
    """Resident MiB of this process's children."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children)
    return pages * resource.getpagesize() / _MIB


def main() -> None:
    """Measure and print a row for each net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=[*NETS, "all"], default="all")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(train(given.net, given.child, given.steps)))
        return
    print(about("torch"))
    print(f"{given.steps} steps, 1 torch thread\n")
    print("| net | memory alone, MiB | watched | ratio | sidecar, MiB | bytes a step | in our hooks, us a step |")
    print("|---|---|---|---|---|---|---|")
    for net in NETS if given.net == "all" else [given.net]:
        alone, ours = (_child(net, variant, given.steps) for variant in ("nothing", "ergoscope"))
        print(
            f"| {net} | {alone['memory']:.0f} | {ours['memory']:.0f} | x{ours['memory'] / alone['memory']:.2f} "
            f"| {ours['sidecar']:.0f} | {ours['bytes']:.0f} | {ours['hooks']:.0f} |",
            flush=True,
        )


def _child(net: str, variant: str, steps: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.footprint", "--net", net, "--steps", str(steps), "--child", variant]
    told: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return told


if __name__ == "__main__":
    main()
