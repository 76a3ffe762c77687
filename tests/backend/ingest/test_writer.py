"""The writing thread: one transaction for all that wait, and an answer to each."""

import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from ergoscope_server.ingest import writer as writing
from ergoscope_server.ingest.writer import BusyError, Writer
from ergoscope_server.store.accept import Outcome
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.errors import UnavailableError


class FakeStore:
    """Takes batches while its gate is open; refuses runs called "bad"."""

    def __init__(self) -> None:
        self.gate = Event()
        self.gate.set()
        self.groups: list[list[str]] = []
        self.down = False

    def accept(self, batches: Sequence[Arrival]) -> list[Outcome]:
        self.gate.wait(5)
        self.groups.append([batch.run for batch in batches])
        if self.down:
            raise UnavailableError("the database cannot write now: disk full")
        if any(batch.run == "bad" for batch in batches):
            raise ValueError("the database chokes on this batch")
        return [Outcome(None if batch.run == "known" else batch.seq) for batch in batches]


def _batch(run: str, seq: int = 1, entry: bytes = b"") -> Arrival:
    return Arrival(run, 1, 0, seq, 1.0, entry)


def _drive(store: FakeStore, runs: Sequence[str]) -> tuple[list[Outcome | BaseException], list[str]]:
    told: list[str] = []

    async def go() -> list[Outcome | BaseException]:
        writer = Writer(store, stored=lambda batches: told.extend(batch.run for batch in batches))
        store.gate.clear()
        tasks = []
        for seq, run in enumerate(runs):
            tasks.append(asyncio.create_task(writer.write(_batch(run, seq))))
            await asyncio.sleep(0.02)  # the first is at the gate before the others come
        store.gate.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(writer.close)
        return results

    return asyncio.run(go()), told


def test_batches_that_wait_share_one_transaction_and_each_gets_its_answer() -> None:
    store = FakeStore()

    results, told = _drive(store, ["a", "b", "c", "known"])

    assert store.groups == [["a"], ["b", "c", "known"]]
    assert results == [Outcome(0), Outcome(1), Outcome(2), Outcome(None)]
    assert told == ["a", "b", "c"]


def test_a_batch_that_the_database_refuses_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    results, told = _drive(FakeStore(), ["a", "b", "bad", "c"])

    assert [r for r in results if isinstance(r, Outcome)] == [Outcome(0), Outcome(1), Outcome(3)]
    assert isinstance(results[2], BusyError)
    assert str(results[2]) == "the database did not take the batch: the database chokes on this batch"
    assert told == ["a", "b", "c"]
    assert "a batch could not be stored" in caplog.text


def test_when_the_database_is_gone_all_that_wait_are_told_at_once() -> None:
    store = FakeStore()
    store.down = True

    results, told = _drive(store, ["a", "b", "c"])

    assert store.groups == [["a"], ["b", "c"]]
    assert all(isinstance(r, BusyError) and "disk full" in str(r) for r in results)
    assert told == []


def test_a_writer_that_is_closed_takes_nothing_more_but_writes_what_waits() -> None:
    async def go() -> tuple[Outcome, BusyError]:
        store = FakeStore()
        writer = Writer(store, stored=lambda _: None)
        store.gate.clear()
        waiting = asyncio.create_task(writer.write(_batch("a", 7)))
        await asyncio.sleep(0.02)
        closing = asyncio.create_task(asyncio.to_thread(writer.close))
        await asyncio.sleep(0.02)
        with pytest.raises(BusyError, match="the service is stopping; send the batch again in a moment") as late:
            await writer.write(_batch("b"))
        store.gate.set()
        await closing
        writer.close()
        return await waiting, late.value

    outcome, _ = asyncio.run(go())

    assert outcome == Outcome(7)


def test_more_than_may_wait_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_WAITING_BYTES", 2_000)

    async def go() -> str:
        store = FakeStore()
        writer = Writer(store, stored=lambda _: None)
        store.gate.clear()
        waiting = asyncio.create_task(writer.write(_batch("a", entry=bytes(1_000))))
        await asyncio.sleep(0.02)
        with pytest.raises(BusyError) as caught:
            await writer.write(_batch("b", entry=bytes(1_000)))
        store.gate.set()
        await waiting
        assert writer.waiting_bytes == 0
        await asyncio.to_thread(writer.close)
        return str(caught.value)

    assert asyncio.run(go()) == "1512 bytes wait to be written, more than allowed; send the batch again soon"


def test_a_sender_that_went_away_is_no_problem() -> None:
    store = FakeStore()

    async def go() -> None:
        writer = Writer(store, stored=lambda _: None)
        store.gate.clear()
        gone = asyncio.create_task(writer.write(_batch("a")))
        await asyncio.sleep(0.02)
        gone.cancel()
        store.gate.set()
        assert await writer.write(_batch("b", 2)) == Outcome(2)
        await asyncio.to_thread(writer.close)

    asyncio.run(go())

    assert store.groups == [["a"], ["b"]]
