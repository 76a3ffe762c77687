"""Every kind of bus."""

import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from ergoscope_server.bus.bus import Bus
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.bus.redis import RedisBus
from tests.backend.servers import own_redis, prefix, redis_url

__all__ = ["own_redis", "prefix", "redis_url"]  # fixtures

Opener: TypeAlias = Callable[[], Bus]


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for what other threads do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not come within {seconds} s"
        time.sleep(0.005)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def open_bus(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Open a bus as one process would; it is connected."""
    opened: list[Bus] = []

    def redis() -> Bus:
        bus = RedisBus(request.getfixturevalue("redis_url"), prefix=request.getfixturevalue("prefix"))
        opened.append(bus)
        until(lambda: bus.connected)
        return bus

    yield MemoryBus if request.param == "memory" else redis
    for bus in opened:
        bus.close()
