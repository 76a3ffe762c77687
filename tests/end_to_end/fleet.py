"""A service of several processes on PostgreSQL and a Redis of its own, and senders that try again as sidecars do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import msgspec
import numpy as np
import urllib3

from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch
from ergoscope_server.store.store import Store
from tests.backend.servers import OwnRedis
from tests.backend.store.batches import batch

START = "import argparse, sys; from ergoscope_server.cli.{module} import {command}; p = argparse.ArgumentParser(); "
START += "c = {command}(); c.arguments(p); sys.exit(c.run(p.parse_args()))"
ROWS = 10  # points of a batch


class Webhook:
    """Takes alerts as somebody's chat would."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
                told.append((said["run"], said["rule"], said["state"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Fleet:
    """Processes that are one service; any of them may be killed."""

    def __init__(self, folder: Path, database_url: str, redis: OwnRedis) -> None:
        self.redis, self.webhook = redis, Webhook()
        self._folder = folder
        self._database_url = database_url
        self._processes: list[subprocess.Popen[str]] = []
        self.urls: list[str] = []
        self.environment: dict[str, str] = {}  # of what is started from now on
        self.store = Store(database_url)

    def start(self, module: str, *options: str) -> "subprocess.Popen[str]":
        """Start `ergoscope serve` or `ergoscope work`, and wait until it says so."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ERGOSCOPE_")}
        ours = {
            "ERGOSCOPE_DATABASE_URL": self._database_url,
            "ERGOSCOPE_REDIS_URL": self.redis.url,
            "ERGOSCOPE_WEBHOOK_URL": self.webhook.url,
        }
        with (self._folder / "service.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", START.format(module=module, command=module.capitalize()), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean | ours | self.environment,
            )
        self._processes.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("ergoscope"), said + self.said
        if module == "serve":
            self.urls.append(said.removeprefix("ergoscope is at ").strip())
        return process

    def serve(self, *options: str) -> "subprocess.Popen[str]":
        process = self.start("serve", "--port", "0", "--no-page", *options)
        url = self.urls[-1]
        until(lambda: _status(f"{url}/readyz") == 200, what="a service that is ready")
        return process

    def work(self) -> "subprocess.Popen[str]":
        return self.start("work")

    @property
    def said(self) -> str:
        return (self._folder / "service.log").read_text()

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.communicate(timeout=30)
        self.webhook.close()
        self.store.close()


class Sender(Thread):
    """Sends the batches of one run, each until it is acknowledged, to one address after the other."""

    def __init__(self, fleet: Fleet, run: str, *, broken_from: int | None = None) -> None:
        super().__init__()
        self._fleet, self._run, self._broken_from = fleet, run, broken_from
        self._stopping = Event()
        self.batches = 0
        self.tries = 0

    def run(self) -> None:
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5.0)) as pool:
            while not self._stopping.is_set():
                self._deliver(pool, encode(self.made(self.batches)))
                self.batches += 1
                time.sleep(0.02)

    def made(self, seq: int) -> Batch:
        steps = range(seq * ROWS, (seq + 1) * ROWS)
        loss = [
            float("nan") if self._broken_from is not None and step >= self._broken_from else 1.0 / (1 + step)
            for step in steps
        ]
        return batch(seq, {"x": (steps, [float(step) for step in steps]), "loss": (steps, loss)}, run=self._run)

    def _deliver(self, pool: urllib3.PoolManager, body: bytes) -> None:
        while True:
            self.tries += 1
            url = self._fleet.urls[self.tries % len(self._fleet.urls)]
            try:
                if pool.request("POST", f"{url}/api/v1/batches", body=body).status == 200:
                    return
            except (urllib3.exceptions.HTTPError, OSError):
                pass
            time.sleep(0.05)

    def stop(self) -> None:
        self._stopping.set()
        self.join(60)
        assert not self.is_alive()

    def check(self, store: Store) -> None:
        """Nothing is lost, and nothing is there twice."""
        steps, values = store.tail(self._run, "x", 10_000_000)
        np.testing.assert_array_equal(steps, np.arange(self.batches * ROWS))
        np.testing.assert_array_equal(values, steps)
        assert store.cursor(self._run) == self.batches
        assert {one.key: one.points for one in store.listed(self._run)}["x"] == self.batches * ROWS


def until(holds: Callable[[], object], *, what: str, seconds: float = 60.0) -> None:
    """Wait for what other processes do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.05)


def _status(url: str) -> int:
    try:
        return urllib3.request("GET", url, retries=False, timeout=2.0).status
    except urllib3.exceptions.HTTPError:
        return 0
