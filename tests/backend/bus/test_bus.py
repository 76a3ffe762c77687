"""What every bus does: notices coalesce, and nothing queues."""

import asyncio
from threading import Thread

from ergoscope_server.bus.bus import EVERY_RUN, Bus
from tests.backend.bus.conftest import Opener


def test_what_happens_while_a_reader_is_busy_becomes_one_notice(open_bus: Opener) -> None:
    async def read() -> object:
        bus = open_bus()
        subscription = bus.subscribe(None)
        for _ in range(1_000):
            bus.publish("a", "arrival")
        bus.publish("a", "run")
        bus.publish("b", "alert")
        return await subscription.next()

    assert asyncio.run(read()) == {"a": {"arrival", "run"}, "b": {"alert"}}


def test_a_reader_hears_only_of_its_runs_and_waits_when_there_is_nothing(open_bus: Opener) -> None:
    async def read() -> tuple[bool, object]:
        bus = open_bus()
        subscription = bus.subscribe(frozenset({"a"}))
        bus.publish("b", "arrival")
        waiting = asyncio.create_task(subscription.next())
        await asyncio.sleep(0.01)
        idle = not waiting.done()
        bus.publish("a", "arrival")
        return idle, await waiting

    assert asyncio.run(read()) == (True, {"a": {"arrival"}})


def test_what_concerns_every_run_reaches_a_reader_as_its_own_runs(open_bus: Opener) -> None:
    async def read() -> tuple[object, object]:
        bus = open_bus()
        some, every = bus.subscribe(frozenset({"a", "b"})), bus.subscribe(None)
        bus.publish(EVERY_RUN, "run")
        return await some.next(), await every.next()

    assert asyncio.run(read()) == ({"a": {"run"}, "b": {"run"}}, {EVERY_RUN: {"run"}})


def test_notices_from_many_threads_all_come_through(open_bus: Opener) -> None:
    async def read() -> set[str]:
        bus = open_bus()
        subscription = bus.subscribe(None)
        names = {f"run{i}" for i in range(200)}
        threads = [Thread(target=bus.publish, args=(name, "arrival")) for name in names]
        for thread in threads:
            thread.start()
        heard: set[str] = set()
        while heard != names:
            heard |= set(await asyncio.wait_for(subscription.next(), 5))
        for thread in threads:
            thread.join()
        return heard

    assert len(asyncio.run(read())) == 200


def test_a_closed_reader_is_forgotten(open_bus: Opener) -> None:
    async def read() -> int:
        bus = open_bus()
        subscription = bus.subscribe(None)
        subscription.close()
        bus.publish("a", "arrival")
        return bus.readers

    assert asyncio.run(read()) == 0


def test_a_reader_whose_loop_has_ended_is_forgotten(open_bus: Opener) -> None:
    async def listen(bus: Bus) -> None:
        bus.subscribe(None)

    bus = open_bus()
    asyncio.run(listen(bus))

    bus.publish("a", "arrival")

    assert bus.readers == 0
