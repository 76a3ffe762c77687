"""A job whose service is away: what it costs in memory meanwhile, and whether everything arrives once it is back.

    python -m benchmarks.absent --steps 10000

The job logs a number at every step of a small watched training. The service starts only when the last step is done.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import ergoscope
from benchmarks.machine import about


def private(pid: int | str) -> float:
    """Resident memory of a process in MiB, without mapped files: the ring's pages count as they are first used."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def children() -> list[str]:
    """This process's children."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def train(steps: int) -> ergoscope.Run:
    """Train and log, printing memory ten times on the way; give the run, not yet finished."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    run = ergoscope.watch(model, optimizer, project="benchmark", name="absent")
    inputs, targets = torch.randn(32, 64), torch.randint(10, (32,))
    print("| step | private memory of the job, MiB | of the sidecar |\n|---|---|---|")
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        run.log({"count": float(step)}, step=step)
        if step % (steps // 10) == 0:
            print(f"| {step} | {private('self'):.1f} | {sum(map(private, children())):.1f} |", flush=True)
    return run


def main() -> None:
    """Train without a service, start it, and count what arrived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    given = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ERGOSCOPE_DIR": f"{folder}/agent", "ERGOSCOPE_SILENT": "1"}
        os.environ["ERGOSCOPE_BASE_URL"] = url = f"http://127.0.0.1:{port}"
        print(about("torch"), "\n")
        run = train(given.steps)
        service = subprocess.Popen(
            [sys.executable, "-m", "ergoscope.cli", "up", "--port", str(port), "--data-dir", f"{folder}/server"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        began = time.monotonic()
        run.finish()
        try:
            arrived: list[int] = []
            while len(arrived) < given.steps and time.monotonic() - began < 120:
                time.sleep(0.5)
                try:
                    arrived = [int(step) for step in ergoscope.Api(url).run(run.id).series("count").steps]
                except ergoscope.ErgoscopeError:
                    continue
            waited = time.monotonic() - began
        finally:
            service.terminate()
            service.wait()
    whole = arrived == list(range(1, given.steps + 1))
    print(f"\n{len(arrived)} of {given.steps} steps {waited:.0f} s after the service began; once and in order: {whole}")


if __name__ == "__main__":
    main()
