"""What is taken in is bounded by what waits to be folded."""

import asyncio

import pytest

from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.pressure import LATEST_S, SOONEST_S, FullError, Pressure
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.tidy import Backlog


class FakeStore:
    """Gives sizes one after the other; fails where there is none, or one that cannot be."""

    def __init__(self, *sizes: int | None) -> None:
        self.sizes = list(sizes)

    def backlog(self) -> Backlog:
        size = self.sizes.pop(0)
        if size is None:
            raise UnavailableError("the database cannot answer now")
        if size < 0:
            raise ValueError("a table that is not there")
        return Backlog(runs=1, batches=2, size=size)


def _pressure(store: FakeStore, *, chance: float = 0.0) -> tuple[Pressure, Gauges]:
    gauges = Gauges()
    return Pressure(store, gauges, most=1_000, chance=lambda: chance), gauges


def test_below_the_bound_batches_are_taken_and_the_size_is_shown() -> None:
    pressure, gauges = _pressure(FakeStore(999))

    pressure.look()
    pressure.check()

    assert gauges.registry.get_sample_value("ergoscope_unfolded_bytes") == 999


@pytest.mark.parametrize(("chance", "wait"), [(0.0, SOONEST_S), (0.999, LATEST_S)])
def test_from_the_bound_on_senders_are_told_to_wait_each_for_another_while(chance: float, wait: int) -> None:
    pressure, _ = _pressure(FakeStore(1_000), chance=chance)
    pressure.look()

    with pytest.raises(FullError, match=r"1,000 bytes of batches wait to be folded, and at most 1,000 may") as caught:
        pressure.check()

    assert caught.value.wait_s == wait
    assert f"send it again in {wait} s" in str(caught.value)


def test_while_the_size_is_not_known_what_was_known_stands(caplog: pytest.LogCaptureFixture) -> None:
    pressure, _ = _pressure(FakeStore(1_000, None, -1, 10))

    async def go() -> None:
        task = asyncio.create_task(pressure.run(every_s=0.001))
        while "is not known" not in caplog.text:
            await asyncio.sleep(0)
        with pytest.raises(FullError):
            pressure.check()
        while True:
            try:
                pressure.check()
                break
            except FullError:
                await asyncio.sleep(0)
        task.cancel()

    asyncio.run(asyncio.wait_for(go(), 5))
