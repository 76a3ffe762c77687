"""Assembles a worker: what folds the log, judges runs, and tells of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from ergoscope_server.alerts.notify import Notify
from ergoscope_server.attendance import attend
from ergoscope_server.bus.bus import Bus
from ergoscope_server.bus.memory import MemoryBus
from ergoscope_server.gauges import Gauges
from ergoscope_server.settings import Settings
from ergoscope_server.store.store import Store
from ergoscope_server.watch import Watch
from ergoscope_server.work.announced import Announced
from ergoscope_server.work.chores import Chores
from ergoscope_server.work.housekeeping import Housekeeping
from ergoscope_server.work.names import in_one_slot
from ergoscope_server.work.rounds import Alone, Rounds


@dataclass(frozen=True, slots=True)
class Shared:
    """The Redis over which several workers share the runs, and what all of a service's names there begin with."""

    url: str
    prefix: str


def shared(settings: Settings) -> Shared | None:
    """Say where the settings have workers share the runs; None where there is one."""
    return Shared(settings.redis_url, settings.redis_prefix) if settings.redis_url else None


class Worker:
    """One worker: alone, or one of several that share the runs over Redis."""

    def __init__(self, store: Store, bus: Bus, notify: Notify, *, gauges: Gauges, redis: Shared | None = None) -> None:
        """Start folding, and hearing of batches; `watch` judges.

        Args:
            store: The runs.
            bus: Is told of verdicts, alerts and silence.
            notify: Is told of alerts.
            gauges: Counts.
            redis: Where the work is shared; without it all runs are this worker's.
        """
        self._store = store
        self._arrivals = MemoryBus()
        self._rounds, begin = self._shared(redis, gauges) if redis else (Alone(), lambda: None)
        chores = Chores(store.upkeep, self._rounds)
        self._housekeeping = Housekeeping(store, gauges, self._rounds, tend=chores.turn)
        gauges.look_first(lambda: gauges.due.set(self._housekeeping.waiting))
        self._watch = Watch(
            store,
            bus,
            notify,
            arrivals=self._arrivals,
            mine=self._rounds.mine,
            clock=time.time,
            looked=gauges.judge_seconds.observe,
        )
        begin()

    def _shared(self, redis: Shared, gauges: Gauges) -> tuple[Rounds, Callable[[], None]]:
        from ergoscope_server.work.shared import SharedRounds

        rounds = SharedRounds(
            redis.url, heard=self.hear, taken=lambda: self._housekeeping.look(), prefix=in_one_slot(redis.prefix)
        )
        gauges.look_first(lambda: gauges.shards.set(rounds.shards))
        return rounds, rounds.start

    def hear(self, run: str, announced: Announced) -> None:
        """Take note of batches that were stored; from any thread."""
        self._housekeeping.arrived(run, announced)
        self._arrivals.publish(run, "arrival")

    async def watch(self) -> None:
        """Judge runs until cancelled."""
        await asyncio.gather(self._watch.run(), attend(self._store, "work"))

    def close(self) -> None:
        """Fold and judge no more; the log keeps the rest."""
        self._housekeeping.close()
        self._rounds.close()
