"""The watch's loop: when it looks at which run, and what it publishes."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from ergoscope_contract.answers import Verdict
from ergoscope_server.store.errors import UnavailableError
from ergoscope_server.store.watching import Judged
from ergoscope_server.watch import Watch
from tests.backend.memory_store import ListBus
from tests.backend.test_watch import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def _watched(
    scene: Scene, *notices: dict[str, frozenset[str]], until: int, mine: Callable[[str], bool] = lambda _: True
) -> None:
    """Run the watch until so many notices were published."""
    watch = scene.again(mine=mine)
    assert scene.bus is not None
    for notice in notices:
        scene.bus.notices.put_nowait(notice)
    task = asyncio.create_task(watch.run())
    async with asyncio.timeout(20):
        while len(scene.bus.published) < until:
            await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_the_loop_evaluates_what_arrives_and_publishes(scene: Scene) -> None:
    scene.loss[2000:] = np.nan
    scene.grow(2400, status="finished")

    asyncio.run(_watched(scene, {"r": frozenset({"arrival"})}, until=2))

    assert scene.bus is not None
    assert scene.bus.published == [("r", "verdict"), ("r", "alert")]
    assert scene.bus.closed


def test_the_loop_finds_live_runs_by_itself(scene: Scene) -> None:
    scene.grow(1000)

    asyncio.run(_watched(scene, until=1))

    assert scene.bus is not None
    assert scene.bus.published == [("r", "verdict")]


def test_the_loop_begins_with_runs_that_ended_while_nobody_watched(scene: Scene) -> None:
    scene.grow(1000, status="finished")
    scene.store.verdicts["r"] = Judged(Verdict("r", 10), upto=10)
    scene.grow(1000, status="finished", run="judged")
    scene.store.verdicts["judged"] = Judged(Verdict("judged", 1000), upto=1000)

    asyncio.run(_watched(scene, until=1))

    assert scene.bus is not None
    assert scene.bus.published == [("r", "verdict")]
    assert scene.store.verdicts["r"].verdict.step > 900


def test_runs_that_ended_unheard_are_found_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope_server.watch.SWEEP_S", 0.01)

    async def go() -> None:
        task = asyncio.create_task(_watched(scene, until=1))
        await asyncio.sleep(0.05)
        scene.grow(1000, status="finished")
        await task

    asyncio.run(go())

    assert scene.store.verdicts["r"].upto == 1000


def test_only_runs_that_are_its_own_are_looked_at(scene: Scene) -> None:
    scene.grow(1000)
    scene.grow(1000, run="another's")
    scene.grow(1000, status="finished", run="another's too")

    asyncio.run(_watched(scene, until=1, mine=lambda run: run == "r"))

    assert list(scene.store.verdicts) == ["r"]


def test_a_run_that_falls_silent_is_told_of_once(scene: Scene) -> None:
    scene.grow(1000)
    scene.watch.evaluate("r")
    scene.store.summaries["r"] = replace(scene.store.summaries["r"], status="silent")

    scene.watch.evaluate("r")
    scene.watch.evaluate("r")

    assert scene.bus is not None
    assert scene.bus.published == [("r", "run")]


def test_arrivals_may_be_told_by_another_bus_than_verdicts_are_told_to(scene: Scene) -> None:
    scene.grow(1000, status="finished")
    scene.store.verdicts["r"] = Judged(Verdict("r", 1000), upto=1000)
    arrivals, verdicts = ListBus(), ListBus()
    arrivals.notices.put_nowait({"r": frozenset({"arrival"})})
    watch = Watch(scene.store, verdicts, scene.bell, arrivals=arrivals, clock=lambda: scene.now, every_s=0.0)

    async def go() -> None:
        task = asyncio.create_task(watch.run())
        async with asyncio.timeout(20):
            while not verdicts.published:
                await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(go())

    assert verdicts.published == [("r", "verdict")]
    assert arrivals.closed


def test_its_own_notices_do_not_wake_it(scene: Scene) -> None:
    scene.grow(1000, status="finished", run="quiet")
    scene.store.verdicts["quiet"] = Judged(Verdict("quiet", 1000), upto=1000)
    scene.grow(1000)

    asyncio.run(_watched(scene, {"quiet": frozenset({"verdict", "alert"})}, until=1))

    assert scene.bus is not None
    assert scene.bus.published == [("r", "verdict")]


def test_one_run_that_cannot_be_evaluated_does_not_end_the_watch(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.grow(1000, run="broken")
    scene.store.series["broken", "loss"] = (np.arange(3), np.zeros(2))
    scene.grow(1000)

    with caplog.at_level(logging.ERROR, "ergoscope.watch"):
        asyncio.run(_watched(scene, until=1))

    assert "cannot evaluate run broken" in caplog.text


def test_what_could_not_be_saved_is_judged_again_though_nothing_new_comes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> bool:
        raise UnavailableError("the database cannot write now")

    scene.loss[2000:] = np.nan
    scene.grow(2400)
    with monkeypatch.context() as patched:
        patched.setattr(scene.store, "save_verdict", gone)
        with pytest.raises(UnavailableError):
            scene.watch.evaluate("r")

    outcome = scene.watch.evaluate("r")

    assert outcome is not None
    assert [alert.rule for alert in outcome.alerts] == ["nonfinite"]
    assert scene.bell.told == outcome.alerts
