"""The watch: new points -> tests -> verdict and alerts -> store, bus and whoever is told."""

import asyncio
import logging
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
from ergoscope_server.history.load import SeriesStore, load
from ergoscope_server.history.play import play
from ergoscope_server.history.roll import LEAST_STEPS, Roll, call, missing
from ergoscope_server.history.silence import LEAST_S, Heard, hear, pace, patience
from ergoscope_server.indicators.points import Points, points

EVERY_S = 2.0
TICK_S = 5.0
ENDED = ("finished", "failed", "crashed")
_log = logging.getLogger("ergoscope.watch")


class WatchStore(SeriesStore, Protocol):
    """What the watch reads and writes."""

    def summary(self, run: str) -> RunSummary | None:
        """Give a run's summary, None when there is no such run."""
        ...

    def verdict(self, run: str) -> tuple[Verdict, bytes] | None:
        """Give a run's last verdict and the watch's memory of it."""
        ...

    def save_verdict(self, verdict: Verdict, memory: bytes, events: Sequence[Event] = ()) -> None:
        """Put a run's verdict in place of the one before, and append events to the run's."""
        ...

    def ranks(self, run: str) -> list[RankSummary]:
        """Give how each rank of a run's newest attempt stands."""
        ...

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        """Give alerts of one run or state where asked."""
        ...

    def save_alert(self, alert: Alert) -> None:
        """Insert an alert, or put it in place of the one with its id."""
        ...

    def unjudged_runs(self) -> list[str]:
        """Give the ids of ended runs whose last steps no verdict has seen."""
        ...

    def live_runs(self) -> list[str]:
        """Give the ids of the runs that have not ended."""
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
    """Evaluates runs as their points arrive, at most every `every_s` seconds each."""

    def __init__(
        self,
        store: WatchStore,
        bus: Bus,
        notify: Notify,
        *,
        clock: Callable[[], float],
        rules: tuple[Rule, ...] = DEFAULT,
        every_s: float = EVERY_S,
        tick_s: float = TICK_S,
    ) -> None:
        """Hold what the watch works with.

        Args:
            store: Series in, verdicts and alerts out.
            bus: Tells of arrivals, and is told of verdicts and alerts.
            notify: Is told of alerts that begin or end.
            clock: Gives Unix seconds.
            rules: The rules that are on.
            every_s: Seconds between two evaluations of one run.
            tick_s: Seconds between two looks for silent runs.
        """
        self._store, self._bus, self._notify = store, bus, notify
        self._clock, self._rules = clock, rules
        self._every, self._tick = every_s, tick_s
        self._seen: dict[str, _Seen] = {}
        self._heard: dict[str, Heard] = {}

    async def run(self) -> None:
        """Evaluate runs until cancelled; the numbers are worked out in a thread, one run at a time."""
        loop = asyncio.get_running_loop()
        subscription = self._bus.subscribe(None)
        hearing = asyncio.create_task(subscription.next())
        due = dict.fromkeys(await self._listed(self._store.unjudged_runs), 0.0)  # the service was away as they ended
        last: dict[str, float] = {}
        tick = loop.time()
        try:
            while True:
                now = loop.time()
                if now >= tick:
                    tick = now + self._tick
                    live = await self._listed(self._store.live_runs)
                    due = {run: last.get(run, now) for run in live} | due
                    last = {run: when for run, when in last.items() if run in live}
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
            return await asyncio.to_thread(ask)
        except Exception:
            _log.exception("cannot list the runs; trying again in %.0f s", self._tick)
            return []

    async def _look(self, run: str) -> None:
        # One run that cannot be evaluated must not end the watch of all others.
        try:
            outcome = await asyncio.to_thread(self.evaluate, run)
        except Exception:
            _log.exception("cannot evaluate run %s", run)
            return
        if outcome is None:
            return
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
        seen = _Seen(summary.cursor, summary.status)
        heard = hear(self._heard.get(run), step=summary.last_step, sign=summary.last_seen, now=now)
        self._heard[run] = heard
        quiet = not ended and now - heard.since > LEAST_S
        if self._seen.get(run) == seen and not quiet:
            return None
        saved = self._store.verdict(run)
        before = unpack(saved[1] if saved else None)
        after, told = self._played(before, summary, now=now, ended=ended, known=self._seen.get(run) == seen)
        listed = self._store.ranks(run) if summary.ranks > 1 and not ended else []
        present = [rank for rank in listed if rank.status != "never seen"]
        after, events = self._called(after, run, present, heard, now=now)
        after, more = self._silence(after, run, present, heard, now=now, ended=ended)
        self._seen[run] = seen
        if ended:
            self._heard.pop(run, None)
            self._seen.pop(run, None)
        return self._saved(before, after, [*told, *more], events, summary, first=saved is None)

    def _played(
        self, before: Chronicle, summary: RunSummary, *, now: float, ended: bool, known: bool
    ) -> tuple[Chronicle, list[Alert]]:
        if known:
            return before, []
        data = load(self._store, summary.id, before, last_step=summary.last_step)
        played = play(before, data, run=summary.id, now=now, rules=self._rules, final=ended)
        return played.chronicle, played.alerts

    def _called(
        self, chronicle: Chronicle, run: str, present: Sequence[RankSummary], heard: Heard, *, now: float
    ) -> tuple[Chronicle, list[Event]]:
        """Call the roll of a running job's ranks; one of a single rank, or that has ended, has none."""
        if not present:
            return replace(chronicle, roll=Roll()), []
        apart = any((rank.behind or 0) > LEAST_STEPS for rank in present)
        step_s = pace(self._times(run)) if apart else None
        roll, events = call(chronicle.roll, present, now=now, first=heard.first, step_s=step_s)
        return replace(chronicle, roll=roll), events

    def _silence(
        self, chronicle: Chronicle, run: str, present: Sequence[RankSummary], heard: Heard, *, now: float, ended: bool
    ) -> tuple[Chronicle, list[Alert]]:
        """Ask the rules about silence: an ended run owes no data, and one without a step has not begun."""
        if ended or heard.step is None:
            states, told = close(chronicle.rules, (NO_DATA, RANK_SILENT), now=now)
            return replace(chronicle, rules=states), told
        seconds = now - heard.since
        limit = LEAST_S if seconds <= LEAST_S else patience(self._times(run))
        silence = Silence(seconds, limit, heard.step, alive=now - heard.sign_since < limit)
        facts = Facts(now=now, silence=silence, missing=missing(chronicle.roll, present, first=heard.first))
        states, told = advance(self._rules, chronicle.rules, facts, run=run)
        return replace(chronicle, rules=states), told

    def _times(self, run: str) -> Points:
        return points(*self._store.tail(run, "wall", 500))

    def _saved(
        self,
        before: Chronicle,
        after: Chronicle,
        told: list[Alert],
        events: list[Event],
        summary: RunSummary,
        *,
        first: bool,
    ) -> Outcome | None:
        if after == before and not told and not first:
            return None
        judged = verdict(after, run=summary.id, newest=summary.last_step)
        self._store.save_verdict(judged, pack(after), events)
        # A history played anew after its memory was lost meets alerts that were told of already.
        old = {alert.id: alert.state for alert in self._store.alerts(run=summary.id)} if told else {}
        for alert in told:
            self._store.save_alert(alert)
            if old.get(alert.id) != alert.state:
                self._notify.send(alert)
        return Outcome(judged, told)
