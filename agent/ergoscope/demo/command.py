"""`ergoscope demo`: the service with its page, and a real training beside it, as two processes under one roof."""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import urllib3

HOST = "127.0.0.1"
TASKS = ("digits", "text", "diverge")
READY_TIMEOUT_S = 60.0


class Demo:
    """Start the service and its page, and watch a real training live in the browser."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("--task", choices=TASKS, default="digits", help="what to train (default: %(default)s)")
        parser.add_argument("--steps", type=int, default=None, help="optimizer steps; each task has its own default")
        parser.add_argument("--port", type=int, default=7117, help="port of the page (default: %(default)s)")
        parser.add_argument("--data-dir", type=Path, default=Path.home() / ".ergoscope" / "demo", metavar="DIR")
        parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
        parser.add_argument("--exit-when-done", action="store_true", help="stop the page when the training ends")

    def run(self, given: argparse.Namespace) -> int:
        """Run until the training is done, or until Ctrl-C."""
        if given.steps is not None and given.steps < 1:
            print(f"--steps is {given.steps}; it must be at least 1", file=sys.stderr)
            return 2
        if not _free(given.port):
            print(f"port {given.port} is in use; choose another with --port", file=sys.stderr)
            return 2
        given.data_dir.mkdir(parents=True, exist_ok=True)
        signal.signal(signal.SIGTERM, _leave)
        with contextlib.suppress(KeyboardInterrupt), _service(given.port, given.data_dir) as service:
            if not _ready(service, given.port):
                print(_why(given.data_dir), file=sys.stderr)
                return 1
            return _train_and_stay(given, service)
        return 0


def _train_and_stay(given: argparse.Namespace, service: "subprocess.Popen[bytes]") -> int:
    url = f"http://{HOST}:{given.port}"
    print(f"ergoscope is at {url}", flush=True)
    with _training(given, url) as training:
        if not given.no_browser and _has_display():
            webbrowser.open(url)
        code = training.wait()
    if given.exit_when_done or code != 0:
        return code
    print(f"The training is done; the page stays at {url} until Ctrl-C.", flush=True)
    return service.wait()


@contextlib.contextmanager
def _service(port: int, data_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "ergoscope.cli", "up", "--port", str(port), "--data-dir", str(data_dir / "server")]
    with (data_dir / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        with _ended_with_us(process):
            yield process


@contextlib.contextmanager
def _training(given: argparse.Namespace, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "ergoscope.demo", given.task]
    if given.steps is not None:
        command += ["--steps", str(given.steps)]
    surroundings = {
        "ERGOSCOPE_BASE_URL": url,
        "ERGOSCOPE_DIR": str(given.data_dir / "agent"),
        "ERGOSCOPE_MODE": "online",
    }
    process = subprocess.Popen(command, env={**os.environ, **surroundings})
    with _ended_with_us(process):
        yield process


@contextlib.contextmanager
def _ended_with_us(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(service: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + READY_TIMEOUT_S
    with urllib3.PoolManager(retries=False, timeout=2.0) as http:
        while time.monotonic() < deadline and service.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if http.request("GET", f"http://{HOST}:{port}/readyz").status == 200:
                    return True
            time.sleep(0.1)
    return False


def _why(data_dir: Path) -> str:
    log = data_dir / "server.log"
    lines = log.read_text(errors="replace").strip().splitlines()[-5:]
    return "\n".join([f"the service did not start; its log is {log}", *lines])


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _has_display() -> bool:
    # Without a display, webbrowser would open a text browser over this terminal.
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
