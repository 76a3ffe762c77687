"""Redis to test on: the one at 127.0.0.1:6379 under a test's own names, or a process of its own."""

import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from redis import Redis
from redis.exceptions import RedisError

T = TypeVar("T", bound="OwnRedis")
HERE = "redis://127.0.0.1:6379/0"


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The Redis of this machine; use it under `prefix` only."""
    try:
        with Redis.from_url(HERE, socket_connect_timeout=0.5) as client:
            client.ping()
    except RedisError:
        pytest.skip("no Redis answers at 127.0.0.1:6379")
    return HERE


@pytest.fixture
def prefix(redis_url: str) -> Iterator[str]:
    """Names of this test alone, deleted afterwards."""
    mine = f"ergoscope-test-{secrets.token_hex(4)}"
    yield mine
    with Redis.from_url(redis_url) as client:
        for key in client.scan_iter(f"{mine}*"):
            client.delete(key)


class OwnRedis:
    """A Redis process that keeps nothing on disk; it can be stopped and started again."""

    options: tuple[str, ...] = ()

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.client = Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([*command, *self.options], cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it answer nobody, and leave all connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def hang_up(self) -> None:
        """Cut every connection but the one that asks."""
        self.client.client_kill_filter(skipme=True)


class OwnCluster(OwnRedis):
    """A cluster of one node, which has all slots."""

    options = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        self.plain_url, self.url = self.url, self.url.replace("redis://", "redis+cluster://")

    def start(self) -> None:
        super().start()
        if not int(self.client.execute_command("CLUSTER INFO")["cluster_slots_assigned"]):
            self.client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        deadline = time.monotonic() + 10
        while self.client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < deadline, "the cluster did not come up"
            time.sleep(0.02)


@contextmanager
def own(kind: type[T], folder: Path) -> Iterator[T]:
    """Run one until the end; skip the test where there is no program for it."""
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server on the path")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = kind(folder, port if port < 55_536 else port - 10_000)  # a cluster takes the port 10,000 above too
    try:
        yield running
    finally:
        running.client.close()
        running.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    with own(OwnRedis, tmp_path) as running:
        yield running


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[OwnCluster]:
    with own(OwnCluster, tmp_path) as running:
        yield running
