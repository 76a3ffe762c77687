"""What is well with the service and what is not, each in one line with what to do: for readiness and for the doctor."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ergoscope_server.store.duty import AWAY_S
from ergoscope_server.store.migrate import BARE, is_known
from ergoscope_server.store.standing import Standing

State = Literal["ok", "warn", "fail"]
LAG_S = 300.0  # what came before this should be folded
LITTLE, NOTHING = 1 << 30, 64 << 20  # bytes left on a disk
STANDS = {"ok": "ready", "warn": "degraded", "fail": "not ready"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ok, a warning while the service can do its work, or a failure.

    said: what was seen.
    todo: what helps; empty where nothing is wrong.
    """

    name: str
    state: State
    said: str
    todo: str = ""

    @property
    def reason(self) -> str:
        """What is wrong, and what helps, as a sentence."""
        return f"{self.said}; {self.todo}" if self.todo else self.said


def worst(findings: Sequence[Finding]) -> State:
    """Give the worst state among findings."""
    states = {finding.state for finding in findings}
    return "fail" if "fail" in states else "warn" if "warn" in states else "ok"


def of_schema(standing: Standing) -> Finding:
    """See whether the tables are those that this version of the code works with."""
    if standing.current:
        return Finding("schema", "ok", f"revision {standing.revision}")
    said = f"the schema is at revision {standing.revision}, and this version works with {standing.wanted}"
    if standing.revision == BARE:
        return Finding("schema", "fail", "the database holds no tables of ergoscope", "run: ergoscope migrate")
    if is_known(standing.revision):
        return Finding("schema", "fail", said, "run: ergoscope migrate")
    return Finding("schema", "fail", said, "install the version of ergoscope that brought it there")


def of_workers(standing: Standing, *, now: float) -> Finding:
    """See whether anybody folds and judges while there is something to do."""
    seen = standing.seen.get("work")
    if seen is not None and abs(now - seen) <= AWAY_S:
        return Finding("workers", "ok", f"at work, as one said {max(now - seen, 0):.0f} s ago")
    said = "no worker has ever said" if seen is None else f"no worker has said for {abs(now - seen):.0f} s"
    if not standing.backlog.batches:
        return Finding("workers", "ok", f"{said} that it works, and nothing waits")
    waits = f"{standing.backlog.batches:,} batches wait to be folded"
    return Finding("workers", "warn", f"{said} that it works, and {waits}", "start `ergoscope work` or `ergoscope up`")


def of_lag(standing: Standing, *, now: float) -> Finding:
    """See how far folding is behind."""
    backlog = standing.backlog
    if backlog.oldest is None:
        return Finding("lag", "ok", "everything is folded")
    late = max(now - backlog.oldest, 0.0)
    said = f"{backlog.size / 2**20:.1f} MiB of {backlog.runs} runs wait to be folded, the oldest for {late:.0f} s"
    if late <= LAG_S:
        return Finding("lag", "ok", said)
    return Finding("lag", "warn", said, "start more workers, or see in their log what keeps them")


def of_disk(folder: Path, *, name: str = "disk") -> Finding:
    """See how much room is left where something is kept."""
    try:
        left = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(name, "fail", f"{folder} cannot be looked at: {error.strerror or error}", "make it")
    said = f"{left / 2**20:,.0f} MiB are left on the disk of {folder}"
    if left < NOTHING:
        return Finding(name, "fail", said, "make room: batches are refused when it is full")
    return Finding(name, "warn", said, "make room") if left < LITTLE else Finding(name, "ok", said)


def of_redis(*, connected: bool) -> Finding:
    """See whether news of other processes come in; without them everything is done, later."""
    if connected:
        return Finding("redis", "ok", "news of other processes come in")
    return Finding("redis", "warn", "Redis does not answer, so news come late", "see that it runs")
