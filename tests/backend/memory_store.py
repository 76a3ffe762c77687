"""A store for the watch that is a few dictionaries, and a bus that is a list."""

import asyncio
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ergoscope_contract.answers import Alert, RankSummary, RunSummary, Verdict
from ergoscope_contract.records import Event
from ergoscope_server.indicators.points import FloatArray, IntArray


class MemoryStore:
    """Series, summaries, verdicts and alerts by run."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], tuple[IntArray, FloatArray]] = {}
        self.summaries: dict[str, RunSummary] = {}
        self.happened: dict[str, list[Event]] = {}
        self.senders: dict[str, list[RankSummary]] = {}
        self.verdicts: dict[str, tuple[Verdict, bytes]] = {}
        self.fired: dict[str, Alert] = {}

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

    def events(self, run: str) -> list[Event]:
        return self.happened.get(run, [])

    def summary(self, run: str) -> RunSummary | None:
        return self.summaries.get(run)

    def live_runs(self) -> list[str]:
        return [run for run, summary in self.summaries.items() if summary.status in ("running", "silent")]

    def unjudged_runs(self) -> list[str]:
        judged = {run: verdict.step for run, (verdict, _) in self.verdicts.items()}
        live = self.live_runs()
        return [r for r, s in self.summaries.items() if r not in live and judged.get(r, -1) < (s.last_step or 0)]

    def verdict(self, run: str) -> tuple[Verdict, bytes] | None:
        return self.verdicts.get(run)

    def save_verdict(self, verdict: Verdict, memory: bytes, events: Sequence[Event] = ()) -> None:
        self.verdicts[verdict.run] = (verdict, memory)
        self.happened.setdefault(verdict.run, []).extend(events)

    def ranks(self, run: str) -> list[RankSummary]:
        return self.senders.get(run, [])

    def alerts(self, *, run: str | None = None, state: str | None = None) -> list[Alert]:
        return [a for a in self.fired.values() if run in (None, a.run) and state in (None, a.state)]

    def save_alert(self, alert: Alert) -> None:
        self.fired[alert.id] = alert


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
