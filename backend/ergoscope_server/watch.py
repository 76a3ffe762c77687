"""The watch: new points -> tests -> verdict and alerts -> store, bus and whoever is told."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from ergoscope_contract.answers import Alert, RankSummary, RunSummary, Verdict
from ergoscope_contract.records import Event
from ergoscope_server.alerts.engine import advance, close
from ergoscope_server.alerts.notify import Notify
from ergoscope_server.alerts.rule import Facts, Rule, Silence
from ergoscope_server.alerts.rules import DEFAULT, NO_DATA, RANK_SILENT
from ergoscope_server.bus.bus import Bus
from ergoscope_server.history.chronicle import Chronicle, pack, unpack, verdict
from ergoscope_server.history.due import beat_due
from ergoscope_server.history.load import SeriesStore, load
from ergoscope_server.history.notices import OF_A_RUN
from ergoscope_server.history.play import play
from ergoscope_server.history.roll import LEAST_STEPS, Roll, call, missing
from ergoscope_server.history.silence import LEAST_S, pace, patience
from ergoscope_server.indicators.points import Points, points
from ergoscope_server.store.duty import Heard
from ergoscope_server.store.watching import Judged

EVERY_S = 2.0
TICK_S = 5.0
SWEEP_S = 30.0
ENDED = ("finished", "failed", "crashed")
SILENCE = NO_DATA, RANK_SILENT
_log = logging.getLogger("ergoscope.watch")


class WatchStore(SeriesStore, Protocol):
    """What the watch reads and writes."""

    def summary(self, run: str) -> RunSummary | None:
        """Give a run's summary, None when there is no such run."""
        ...

    def verdict(self, run: str) -> Judged | None:
        """Give what was judged of a run last."""
        ...

    def save_verdict(self, judged: Judged, events: Sequence[Event], alerts: Sequence[Alert]) -> bool:
        """Put what is judged of a run, with events and alerts, in place of what was; False when another was quicker."""
        ...

    def ranks(self, run: str) -> list[RankSummary]:
        """Give how each rank of a run's newest attempt stands."""
        ...

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        """Give alerts of one run or state where asked."""
        ...

    def unjudged_runs(self) -> list[str]:
        """Give the ids of ended runs whose last batches no verdict has seen."""
        ...

    def live_runs(self) -> list[str]:
        """Give the ids of the runs that have not ended."""
        ...

    def heard(self, run: str) -> Heard | None:
        """Say when a run was heard of; None while the service is not whole."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation changed."""

    verdict: Verdict
    alerts: list[Alert]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a run was at its last evaluation; the same again needs none."""

    cursor: int
    status: str


class Watch:
    """Evaluates runs as their points arrive, at most every `every_s` seconds each.

    What it must know of a run is in the store, so that a run may go on with another process at any moment; what it
    keeps itself only saves looking twice.
    """

    def __init__(
        self,
        store: WatchStore,
        bus: Bus,
        notify: Notify,
        *,
        arrivals: Bus | None = None,
        mine: Callable[[str], bool] = lambda _: True,
        clock: Callable[[], float],
        rules: tuple[Rule, ...] = DEFAULT,
        looked: Callable[[float], None] = lambda _: None,
        every_s: float = EVERY_S,
        tick_s: float = TICK_S,
    ) -> None:
        """Hold what the watch works with.

        Args:
            store: Series in, verdicts and alerts out.
            bus: Is told of verdicts and alerts.
            notify: Is told of alerts that begin or end.
            arrivals: Tells which runs have news; `bus` itself unless given.
            mine: Says which runs to look at; others do the rest.
            clock: Gives Unix seconds.
            rules: The rules that are on.
            looked: Is told how many seconds each look at a run took.
            every_s: Seconds between two evaluations of one run.
            tick_s: Seconds between two looks for silent runs.
        """
        self._store, self._bus, self._notify = store, bus, notify
        self._arrivals, self._mine = arrivals or bus, mine
        self._clock, self._rules, self._looked = clock, rules, looked
        self._every, self._tick = every_s, tick_s
        self._seen: dict[str, _Seen] = {}

    async def run(self) -> None:
        """Evaluate runs until cancelled; the numbers are worked out in a thread, one run at a time."""
        loop = asyncio.get_running_loop()
        subscription = self._arrivals.subscribe(None)
        hearing = asyncio.create_task(subscription.next())
        due: dict[str, float] = {}
        last: dict[str, float] = {}
        tick = sweep = loop.time()
        try:
            while True:
                now = loop.time()
                if now >= tick:
                    tick = now + self._tick
                    live = await self._listed(self._store.live_runs)
                    due = {run: last.get(run, now) for run in live} | due
                    last = {run: when for run, when in last.items() if run in live}
                    self._seen = {run: seen for run, seen in self._seen.items() if run in live}
                if now >= sweep:  # they ended while nobody watched, or the news of it was lost
                    sweep = now + SWEEP_S
                    due = dict.fromkeys(await self._listed(self._store.unjudged_runs), 0.0) | due
                for run in [run for run, when in due.items() if when <= now]:
                    del due[run]
                    last[run] = now + self._every
                    await self._look(run)
                wake = min([tick, *due.values()])
                await asyncio.wait({hearing}, timeout=max(0.0, wake - loop.time()))
                if hearing.done():
                    for run, kinds in hearing.result().items():
                        if kinds & {"arrival", "run"}:
                            due[run] = min(due.get(run, float("inf")), max(loop.time(), last.get(run, 0.0)))
                    hearing = asyncio.create_task(subscription.next())
        finally:
            hearing.cancel()
            subscription.close()

    async def _listed(self, ask: Callable[[], list[str]]) -> list[str]:
        try:
            return [run for run in await asyncio.to_thread(ask) if self._mine(run)]
        except Exception:
            _log.exception("cannot list the runs; trying again in %.0f s", self._tick)
            return []

    async def _look(self, run: str) -> None:
        # One run that cannot be evaluated must not end the watch of all others.
        began = time.perf_counter()
        try:
            outcome = await asyncio.to_thread(self.evaluate, run)
        except Exception:
            _log.exception("cannot evaluate run %s", run, extra={"run": run})
            return
        lasted = time.perf_counter() - began
        self._looked(lasted)
        if outcome is None:
            return
        _log.info("judged", extra={"run": run, "duration_s": round(lasted, 6)})
        self._bus.publish(run, "verdict")
        if outcome.alerts:
            self._bus.publish(run, "alert")

    def evaluate(self, run: str) -> Outcome | None:
        """Play what is new of a run, save verdict and alerts, and tell of alerts that begin or end.

        Returns:
            What changed; None when there is nothing new or no such run.
        """
        summary = self._store.summary(run)
        if summary is None:
            return None
        now = self._clock()
        ended = summary.status in ENDED
        seen, known = _Seen(summary.cursor, summary.status), self._seen.get(run)
        if seen.status == "silent" and (known is None or known.status != "silent"):
            self._bus.publish(run, "run")  # it comes by the mere passing of time, and nobody else tells of it
        heard = None if ended else self._store.heard(run)
        quiet = heard is not None and now - heard.since > LEAST_S
        if known == seen and not quiet:
            return None
        saved = self._store.verdict(run)
        before = unpack(saved.memory if saved else None)
        after, told = self._played(before, summary, now=now, ended=ended, known=known == seen)
        after, events, more = self._attended(after, summary, heard, now=now, ended=ended)
        told += more
        changed = saved is None or after != before or told or (ended and saved.upto < summary.cursor)
        version = saved.version if saved else 0
        judged = Judged(verdict(after, run=run, newest=summary.last_step), pack(after), summary.cursor, version)
        self._seen.pop(run, None)  # what cannot be saved, or another was quicker with, is looked at again
        if changed and not self._saved(judged, events, told):
            return None
        if not ended:
            self._seen[run] = seen
        return Outcome(judged.verdict, told) if changed else None

    def _played(
        self, before: Chronicle, summary: RunSummary, *, now: float, ended: bool, known: bool
    ) -> tuple[Chronicle, list[Alert]]:
        if known or not (ended or beat_due(before, summary)):
            return before, []
        last, config = summary.last_step, summary.config
        data = load(self._store, summary.id, before, last_step=last, config=config, final=ended)
        played = play(before, data, run=summary.id, now=now, rules=self._rules, final=ended)
        return played.chronicle, played.alerts

    def _attended(
        self, chronicle: Chronicle, summary: RunSummary, heard: Heard | None, *, now: float, ended: bool
    ) -> tuple[Chronicle, list[Event], list[Alert]]:
        """Look whether the job and its ranks still speak; while the service is not whole nothing is said of either."""
        if ended:
            chronicle, told = _closed(replace(chronicle, roll=Roll()), now=now, ids=(*SILENCE, *OF_A_RUN))
            return chronicle, [], told
        if heard is None:
            return chronicle, [], []
        present = self._present(summary)
        chronicle, events = self._called(chronicle, summary.id, present, heard, now=now)
        chronicle, told = self._silence(chronicle, summary.id, present, heard, now=now)
        return chronicle, events, told

    def _present(self, summary: RunSummary) -> list[RankSummary]:
        listed = self._store.ranks(summary.id) if summary.ranks > 1 else []
        return [rank for rank in listed if rank.status != "never seen"]

    def _called(
        self, chronicle: Chronicle, run: str, present: Sequence[RankSummary], heard: Heard, *, now: float
    ) -> tuple[Chronicle, list[Event]]:
        """Call the roll of a running job's ranks; one of a single rank has none."""
        if not present:
            return replace(chronicle, roll=Roll()), []
        apart = any((rank.behind or 0) > LEAST_STEPS for rank in present)
        step_s = pace(self._times(run)) if apart else None
        roll, events = call(chronicle.roll, present, now=now, first=heard.first, step_s=step_s)
        return replace(chronicle, roll=roll), events

    def _silence(
        self, chronicle: Chronicle, run: str, present: Sequence[RankSummary], heard: Heard, *, now: float
    ) -> tuple[Chronicle, list[Alert]]:
        if heard.step is None:  # it has not begun
            return _closed(chronicle, now=now)
        seconds = now - heard.since
        limit = LEAST_S if seconds <= LEAST_S else patience(self._times(run))
        silence = Silence(seconds, limit, heard.step, alive=now - heard.sign_since < limit)
        facts = Facts(now=now, silence=silence, missing=missing(chronicle.roll, present, first=heard.first))
        states, told = advance(self._rules, chronicle.rules, facts, run=run)
        return replace(chronicle, rules=states), told

    def _times(self, run: str) -> Points:
        return points(*self._store.tail(run, "wall", 500))

    def _saved(self, judged: Judged, events: list[Event], told: list[Alert]) -> bool:
        """Save what was judged and tell of it, unless another was quicker and has told."""
        # A history played anew after its memory was lost meets alerts that were told of already.
        old = {alert.id: alert.state for alert in self._store.alerts(run=judged.verdict.run)} if told else {}
        if not self._store.save_verdict(judged, events, told):
            return False
        for alert in told:
            # The end of what is no alarm is no news.
            if old.get(alert.id) != alert.state and (alert.severity != "info" or alert.id not in old):
                self._notify.send(alert)
                old[alert.id] = alert.state
        return True


def _closed(chronicle: Chronicle, *, now: float, ids: tuple[str, ...] = SILENCE) -> tuple[Chronicle, list[Alert]]:
    """End the alerts about silence, as an ended run owes no data, or some others."""
    states, told = close(chronicle.rules, ids, now=now)
    return replace(chronicle, rules=states), told
