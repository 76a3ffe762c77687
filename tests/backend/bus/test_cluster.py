"""News, announcements and leases on a Redis Cluster, there from the start or not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis.exceptions import ResponseError

from ergoscope_server.bus.connect import FAILURES, connect
from ergoscope_server.bus.redis import RedisBus
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.announcer import Announcer
from ergoscope_server.work.names import GROUP, SHARDS, shard_of, stream
from ergoscope_server.work.shared import SharedRounds
from tests.backend.bus.conftest import until
from tests.backend.servers import OwnCluster, own_cluster

__all__ = ["own_cluster"]  # a fixture

pytestmark = pytest.mark.redis

RUNS = [f"run{i}" for i in range(40)]
PREFIX = "{ours}"


@contextmanager
def _working(url: str, heard: dict[str, int]) -> Iterator[SharedRounds]:
    def hear(run: str, announced: Announced) -> None:
        heard[run] = heard.get(run, 0) + announced.rows

    rounds = SharedRounds(url, heard=hear, taken=lambda: None, prefix=PREFIX)
    rounds.start()
    yield rounds
    rounds.close()


def test_what_is_announced_is_heard_and_done(own_cluster: OwnCluster) -> None:
    heard: dict[str, int] = {}
    announcer = Announcer(own_cluster.url, prefix=PREFIX)
    with _working(own_cluster.url, heard) as rounds:
        until(lambda: rounds.shards == SHARDS)
        for run in RUNS:
            announcer.announce(run, Announced(3, 10))
        until(lambda: heard == dict.fromkeys(RUNS, 3))
        for run in RUNS:
            with rounds.folding(run):
                pass

        def left() -> int:
            shards = {shard_of(run) for run in RUNS}
            return sum(own_cluster.client.xpending(stream(PREFIX, shard), GROUP)["pending"] for shard in shards)

        until(lambda: left() == 0)
    announcer.close()


def test_a_cluster_that_comes_late_and_goes_for_a_while_is_found(own_cluster: OwnCluster) -> None:
    heard: dict[str, int] = {}
    own_cluster.stop()
    announcer = Announcer(own_cluster.url, prefix=PREFIX)
    with _working(own_cluster.url, heard) as rounds:
        announcer.announce("first", Announced(1, 1))
        own_cluster.start()
        until(lambda: heard.get("first") == 1)
        own_cluster.stop()
        announcer.announce("second", Announced(1, 1))
        own_cluster.start()
        until(lambda: heard.get("second") == 1)
        assert rounds.shards == SHARDS
    announcer.close()


def test_news_pass_from_one_process_to_another_before_and_after_it_was_away(own_cluster: OwnCluster) -> None:
    here, there = RedisBus(own_cluster.url, prefix="ours"), RedisBus(own_cluster.url, prefix="ours")
    until(lambda: here.connected and there.connected)

    async def told(run: str) -> frozenset[str]:
        ear = there.subscribe(frozenset({run}))
        here.publish(run, "verdict")
        while "verdict" not in (kinds := (await ear.next())[run]):
            pass
        ear.close()
        return kinds

    assert "verdict" in asyncio.run(asyncio.wait_for(told("a"), 20))
    own_cluster.stop()
    until(lambda: not there.connected)
    own_cluster.start()
    until(lambda: here.connected and there.connected)
    assert "verdict" in asyncio.run(asyncio.wait_for(told("b"), 20))
    here.close()
    there.close()


def test_a_cluster_that_is_not_there_fails_as_redis_does() -> None:
    client = connect("redis+cluster://127.0.0.1:9/0")

    with pytest.raises(FAILURES, match="Redis Cluster cannot be connected"):
        client.ping()

    client.close()


def test_keys_of_one_service_lie_in_one_slot(own_cluster: OwnCluster) -> None:
    client = connect(own_cluster.url)

    client.mset({stream("{ergoscope}", shard): b"x" for shard in range(SHARDS)})
    with pytest.raises((ResponseError, *FAILURES)):
        own_cluster.client.mset({"a": b"x", "b": b"x"})

    client.close()
