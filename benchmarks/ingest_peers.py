"""Peers of the ingest benchmark: the same values through servers of others, each as it starts by itself.

MLflow's `log_batch` takes 1,000 metrics at most, which is what our smaller batch holds. Trackio's own client sends what
was logged within half a second, a row a step. Both take JSON, made here once for all senders, so that making it costs
them nothing; only a new request's run and steps are put in.
"""

import http.client
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.databases import Opener, available
from benchmarks.ingest_senders import Line, Make, load, quantile
from benchmarks.services import cpu_seconds, family

SERIES = 200
JSON = "application/json"
SHOW = (
    "import sys, threading, trackio\n"
    "_, _, _, url = trackio.show(open_browser=False, block_thread=False, server_port=int(sys.argv[1]))\n"
    "print(f'\\nat {url}', flush=True)\n"
    "threading.Event().wait()"
)


@dataclass(frozen=True)
class Peer:
    """A server that runs: how to connect for sending, how a batch is made, and how a run begins."""

    pid: int
    line: Callable[[], Line]
    make: Make
    begin: Callable[[], str]


def peers(python: str, counts: Sequence[int], *, seconds: float) -> None:
    """Measure those that are installed there; print rows of the table."""
    found: dict[str, Opener | None] = {}
    if _version(python, "mlflow"):
        found = {f"MLflow {_version(python, 'mlflow')}, {name}": opened for name, opened in available().items()}
    if _version(python, "trackio"):
        found[f"Trackio {_version(python, 'trackio')}"] = None
    for missing in {"mlflow", "trackio"} - {name.split()[0].lower() for name in found}:
        print(f"{missing} is not installed in {python}; left out")
    for name, opened in found.items():
        for rows in (5,) if opened is not None else (5, 50):
            with mlflow(python, opened) if opened is not None else trackio(python, rows) as peer:
                for runs in counts:
                    print(f"{name} | {measure(peer, runs=runs, rows=rows, seconds=seconds)}", flush=True)


def measure(peer: Peer, *, runs: int, rows: int, seconds: float) -> str:
    """Send for some seconds, then at half that pace; give one row of the table."""
    pids = family(peer.pid)
    before = cpu_seconds(pids)
    taken, elapsed = load(peer.line, peer.make, [peer.begin() for _ in range(runs)], seconds=seconds)
    points = len(taken) * SERIES * rows
    used = (cpu_seconds(pids) - before) / points * 1e6
    names = [peer.begin() for _ in range(runs)]
    paced, _ = load(peer.line, peer.make, names, seconds=seconds, every_s=2 * runs * elapsed / len(taken))
    waits, slower = ([f"{quantile(some, share):.1f}" for share in (0.5, 0.99)] for some in (taken, paced))
    return (
        f"{runs} | {SERIES * rows:,} | {points / elapsed / 1e6:.4f} M | - | {len(taken) / elapsed:.1f} | "
        f"{' / '.join(waits)} | {used:.1f} | - | {' / '.join(slower)}"
    )


@contextmanager
def mlflow(python: str, opened: Opener) -> Iterator[Peer]:
    """Start MLflow's server on a database."""
    with opened() as url, _folder() as folder:
        port = _free_port()
        command = [python, "-m", "mlflow", "server", "--backend-store-uri", url, "--port", str(port)]
        with _running([*command, "--default-artifact-root", folder], folder) as process:
            _wait_for(port)
            to = partial(Line, port, kind=JSON)
            values = np.random.default_rng(0).standard_normal(SERIES * 5).tolist()

            def begin() -> str:
                line = to("/api/2.0/mlflow/runs/create")
                made = json.loads(line.post(b'{"experiment_id": "0"}'))
                line.close()
                return str(made["run"]["info"]["run_id"])

            yield Peer(process.pid, partial(to, "/api/2.0/mlflow/runs/log-batch"), _mlflow_batch(values), begin)


def _mlflow_batch(values: Sequence[float]) -> Make:
    names = [f"grad_norm/layer{i}.weight" for i in range(SERIES)]
    at = int(time.time() * 1e3)
    points = [
        [{"key": name, "value": values[5 * i + row], "timestamp": at} for i, name in enumerate(names)]
        for row in range(5)
    ]
    rows = [json.dumps(row).replace("}", ', "step": %d}') for row in points]

    def make(run: str, seq: int) -> bytes:
        steps = [row.replace("%d", str(seq * 5 + i))[1:-1] for i, row in enumerate(rows)]
        return f'{{"run_id": "{run}", "metrics": [{", ".join(steps)}]}}'.encode()

    return make


@contextmanager
def trackio(python: str, rows: int) -> Iterator[Peer]:
    """Start Trackio's server, which keeps a SQLite file a project."""
    with _folder() as folder, _running([python, "-c", SHOW, str(port := _free_port())], folder) as process:
        assert process.stdout is not None
        at = next(line for line in process.stdout if line.startswith("at "))
        token = at.strip().partition("write_token=")[2].partition("&")[0]
        _wait_for(port)
        line = partial(Line, port, "/api/bulk_log", JSON, [f"X-Trackio-Write-Token: {token}"])
        values = np.random.default_rng(0).standard_normal((rows, SERIES)).tolist()
        yield Peer(process.pid, line, _trackio_batch(values), lambda: f"run-{secrets.token_hex(4)}")


def _trackio_batch(values: Sequence[Sequence[float]]) -> Make:
    texts = [json.dumps({f"grad_norm/layer{i}.weight": value for i, value in enumerate(row)}) for row in values]

    def make(run: str, seq: int) -> bytes:
        logs = [
            f'{{"project": "p", "run": "{run}", "run_id": "{run}", "metrics": {text}, '
            f'"step": {seq * len(texts) + i}, "log_id": "{run}-{seq}-{i}"}}'
            for i, text in enumerate(texts)
        ]
        return f'{{"logs": [{", ".join(logs)}], "hf_token": null}}'.encode()

    return make


@contextmanager
def _running(command: Sequence[str], folder: str) -> Iterator[subprocess.Popen[str]]:
    ours = {
        "HOME": folder,
        "HF_HOME": folder,
        "TRACKIO_DIR": folder,
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    with Path(folder, "said").open("w") as said:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, text=True, cwd=folder, env={**os.environ, **ours}
        )
    try:
        yield process
    finally:
        children = family(process.pid)
        process.terminate()
        process.wait(30)
        for child in children[1:]:
            try:
                os.kill(child, 9)
            except ProcessLookupError:
                continue


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="ergoscope-benchmark-", ignore_cleanup_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int, *, within_s: float = 90.0) -> None:
    """Wait until a server answers, whatever it says; MLflow's listens before anybody is there to answer."""
    until = time.monotonic() + within_s
    while True:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            line.request("GET", "/health")
            line.getresponse().read()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
        finally:
            line.close()


def _version(python: str, package: str) -> str:
    ask = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False).stdout.strip()
