"""The bus between processes: what it adds to a bus, and Redis coming and going."""

import asyncio
import logging
import time

import pytest
from redis import Redis

from ergoscope_server.bus import redis as module
from ergoscope_server.bus.bus import EVERY_RUN, KINDS
from ergoscope_server.bus.redis import RedisBus
from tests.backend.bus.conftest import until
from tests.backend.servers import OwnRedis

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AWAY_S", 0.05)


async def _hears(bus: RedisBus, runs: frozenset[str] | None, of: dict[str, frozenset[str]]) -> None:
    subscription = bus.subscribe(runs)
    heard: dict[str, frozenset[str]] = {}
    async with asyncio.timeout(20):
        while not all(kinds <= heard.get(run, frozenset()) for run, kinds in of.items()):
            for run, kinds in (await subscription.next()).items():
                heard[run] = heard.get(run, frozenset()) | kinds


def test_one_process_hears_what_another_tells(redis_url: str, prefix: str) -> None:
    teller, hearer = RedisBus(redis_url, prefix=prefix), RedisBus(redis_url, prefix=prefix)
    until(lambda: hearer.connected)

    async def go() -> None:
        hearing = asyncio.create_task(_hears(hearer, frozenset({"a"}), {"a": frozenset({"arrival", "verdict"})}))
        await asyncio.sleep(0)
        teller.publish("a", "arrival")
        teller.publish("b", "arrival")
        teller.publish("a", "verdict")
        await hearing

    asyncio.run(go())
    teller.close()
    hearer.close()


def test_two_services_on_one_redis_do_not_hear_each_other(redis_url: str, prefix: str) -> None:
    ours, theirs = RedisBus(redis_url, prefix=prefix), RedisBus(redis_url, prefix=f"{prefix}-theirs")
    hearer = RedisBus(redis_url, prefix=prefix)
    until(lambda: ours.connected and theirs.connected and hearer.connected)

    async def go() -> None:
        said = theirs.subscribe(None)
        hearing = asyncio.create_task(_hears(hearer, frozenset({"a"}), {"a": frozenset({"arrival"})}))
        await asyncio.sleep(0)
        ours.publish("a", "arrival")
        await hearing
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(said.next(), 0.2)

    asyncio.run(go())
    for bus in (ours, theirs, hearer):
        bus.close()


def test_what_is_not_understood_has_readers_look_at_their_cursors(
    redis_url: str, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus = RedisBus(redis_url, prefix=prefix)
    until(lambda: bus.connected)

    async def go() -> None:
        hearing = asyncio.create_task(_hears(bus, None, {EVERY_RUN: KINDS}))
        await asyncio.sleep(0)
        with Redis.from_url(redis_url) as client:
            client.publish(f"{prefix}:news", b"nonsense")
        await hearing

    with caplog.at_level(logging.WARNING):
        asyncio.run(go())
    bus.close()

    assert "a message of another process is not understood" in caplog.text


def test_after_a_cut_connection_readers_are_told_to_look_at_their_cursors(own_redis: OwnRedis) -> None:
    bus = RedisBus(own_redis.url, prefix="ours")
    until(lambda: bus.connected)

    async def go() -> None:
        some = asyncio.create_task(_hears(bus, frozenset({"a"}), {"a": KINDS}))
        every = asyncio.create_task(_hears(bus, None, {EVERY_RUN: KINDS}))
        await asyncio.sleep(0)
        own_redis.hang_up()
        await some
        await every

    asyncio.run(go())
    until(lambda: bus.connected)
    bus.close()


def test_without_redis_readers_look_by_themselves_and_what_was_told_goes_out_when_it_is_back(
    own_redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    own_redis.stop()
    with caplog.at_level(logging.WARNING):
        teller = RedisBus(own_redis.url, prefix="ours")
        asyncio.run(_hears(teller, frozenset({"a"}), {"a": KINDS}))
        teller.publish("b", "slice")
        until(lambda: "ergoscope-news waits: Redis takes no news" in caplog.text)
        own_redis.start()
        hearer = RedisBus(own_redis.url, prefix="ours")
        asyncio.run(_hears(hearer, None, {EVERY_RUN: KINDS}))
        with Redis.from_url(own_redis.url) as client:  # who subscribes later does not hear it, and looks by itself
            until(lambda: "cmdstat_publish" in client.info("commandstats"))
        until(lambda: teller.connected)
    teller.close()
    hearer.close()

    assert "no news from other processes, readers look by themselves" in caplog.text


def test_a_redis_that_answers_no_more_is_noticed_though_it_holds_the_connection(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LISTEN_S", 0.05)
    monkeypatch.setattr(module, "ANSWER_S", 0.5)
    with caplog.at_level(logging.WARNING):
        bus = RedisBus(own_redis.url, prefix="ours")
        until(lambda: bus.connected)
        time.sleep(1.0)  # while it answers, its silence is none
        assert bus.connected

        own_redis.freeze()
        asyncio.run(_hears(bus, frozenset({"a"}), {"a": KINDS}))
        assert not bus.connected
        own_redis.thaw()
        until(lambda: bus.connected)
    bus.close()

    assert "nothing was heard from Redis for 0.5 s" in caplog.text
