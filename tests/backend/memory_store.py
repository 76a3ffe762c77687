"""A store for the watch that is a few dictionaries, and a bus that is a list."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ergoscope_contract.answers import Alert, RankSummary, RunSummary
from ergoscope_contract.records import Event, Sketch
from ergoscope_server.indicators.points import FloatArray, IntArray
from ergoscope_server.store.duty import Heard
from ergoscope_server.store.watching import Judged


class MemoryStore:
    """Series, summaries, verdicts and alerts by run."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], tuple[IntArray, FloatArray]] = {}
        self.summaries: dict[str, RunSummary] = {}
        self.happened: dict[str, list[Event]] = {}
        self.seen: dict[str, list[Sketch]] = {}
        self.senders: dict[str, list[RankSummary]] = {}
        self.verdicts: dict[str, Judged] = {}
        self.fired: dict[str, Alert] = {}
        self.stepped: dict[str, float] = {}
        self.whole: float | None = 0.0  # since when the service is

    def put(self, run: str, metric: str, steps: npt.ArrayLike, values: npt.ArrayLike) -> None:
        """Replace a series."""
        self.series[run, metric] = (np.asarray(steps, np.int64), np.asarray(values, np.float64))

    def tail(self, run: str, metric: str, n: int, *, after: int | None = None) -> tuple[IntArray, FloatArray]:
        steps, values = self.series.get((run, metric), (np.empty(0, np.int64), np.empty(0)))
        return steps[-n:], values[-n:]

    def head(self, run: str, metric: str, n: int) -> tuple[IntArray, FloatArray]:
        steps, values = self.series.get((run, metric), (np.empty(0, np.int64), np.empty(0)))
        return steps[:n], values[:n]

    def keys(self, run: str) -> list[str]:
        return [key for owner, key in self.series if owner == run]

    def sketches(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Sketch]:
        return [sketch for sketch in self.seen.get(run, []) if sketch.key == key][-limit:]

    def events(self, run: str) -> list[Event]:
        return self.happened.get(run, [])

    def summary(self, run: str) -> RunSummary | None:
        return self.summaries.get(run)

    def live_runs(self) -> list[str]:
        return [run for run, summary in self.summaries.items() if summary.status in ("running", "silent")]

    def unjudged_runs(self) -> list[str]:
        upto = {run: judged.upto for run, judged in self.verdicts.items()}
        live = self.live_runs()
        return [run for run, s in self.summaries.items() if run not in live and upto.get(run, 0) < s.cursor]

    def verdict(self, run: str) -> Judged | None:
        return self.verdicts.get(run)

    def save_verdict(self, judged: Judged, events: Sequence[Event], alerts: Sequence[Alert]) -> bool:
        run = judged.verdict.run
        if judged.version != (self.verdicts[run].version if run in self.verdicts else 0):
            return False
        self.verdicts[run] = replace(judged, version=judged.version + 1)
        self.happened.setdefault(run, []).extend(events)
        self.fired |= {alert.id: alert for alert in alerts}
        return True

    def heard(self, run: str) -> Heard | None:
        if self.whole is None:
            return None
        step, seen = self.summaries[run].last_step, self.summaries[run].last_seen
        return Heard(step, max(self.stepped.get(run, 0.0), self.whole), max(seen, self.whole), self.whole)

    def ranks(self, run: str) -> list[RankSummary]:
        return self.senders.get(run, [])

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        return [a for a in self.fired.values() if run in (None, a.run) and state in (None, a.state)]


class ListBus:
    """Notices given by hand; what is published is kept."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str]] = []
        self.closed = False
        self.notices: asyncio.Queue[dict[str, frozenset[str]]] = asyncio.Queue()

    @property
    def readers(self) -> int:
        return 0 if self.closed else 1

    def publish(self, run: str, kind: str) -> None:
        self.published.append((run, kind))

    def subscribe(self, runs: frozenset[str] | None) -> "ListBus":
        return self

    async def next(self) -> dict[str, frozenset[str]]:
        return await self.notices.get()

    def close(self) -> None:
        self.closed = True
