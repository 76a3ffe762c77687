"""Reading through HTTP while batches come in: charts of a long series, and lists of many runs.

    python -m benchmarks.read --millions 10 --runs 10000

The charted series has that many points and one value of a million among values of a normal distribution; each chart
has 1,000 buckets, and each that covers the value is held to have it as a maximum. Meanwhile 100 runs send a batch of
1,000 points a second each. All asking is done by one connection, one request at a time; senders and asker share the
machine with the service. What an answer costs its reader to decode is not counted.
"""

import argparse
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from urllib.parse import urlencode

import numpy as np

from benchmarks.databases import analyse
from benchmarks.ingest import SERIES, body
from benchmarks.ingest_senders import Line, quantile, sending
from benchmarks.machine import about
from benchmarks.services import Service, services
from ergoscope_contract.answers import Spell, Verdict
from ergoscope_contract.records import Attempt, Ending, Run
from ergoscope_server.store.accept import accept
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.entry import Entry, Rows
from ergoscope_server.store.fold import prepare, write
from ergoscope_server.store.store import Store
from ergoscope_server.store.watching import Judged, save_verdict

LONG, METRIC, BUCKETS = "long", "grad_norm/layer0.weight", 1_000
SPIKE = 1e6
SENDERS, ROWS = 100, 5
random = np.random.default_rng(0)


class Asker:
    """One connection that asks."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.seconds: list[float] = []
        self.size = 0

    def ask(self, path: str, sent: object = None) -> bytes:
        """Ask for something; note how long it took, and the bytes that came."""
        packed = None if sent is None else json.dumps(sent).encode()
        began = time.perf_counter()
        self._line.request("GET" if packed is None else "POST", path, packed, {"Content-Type": "application/json"})
        answer = self._line.getresponse()
        content = answer.read()
        self.seconds.append(time.perf_counter() - began)
        assert answer.status == 200, (answer.status, content[:500])
        self.size = len(content)
        return content

    def spent(self) -> str:
        """Give median and 99th percentile of what was asked since this was asked last, ms, and the last one's kB."""
        taken, self.seconds = sorted(self.seconds), []
        return f"{len(taken)} | {quantile(taken, 0.5):.1f} / {quantile(taken, 0.99):.1f} | {self.size / 1e3:,.0f}"


def fill(store: Store, points: int) -> int:
    """Make the long series; give the step of its one great value."""
    rows = min(50_000, points)
    at = int(random.integers(0, points))
    for seq in range(points // rows):
        steps = np.arange(seq * rows, (seq + 1) * rows, dtype="<i8")
        values = random.standard_normal(rows).astype("<f4")
        values[steps == at] = SPIKE
        entry = Entry([METRIC], [Rows([0], steps.tobytes(), values.tobytes(), "f4", (0.0, 1.0))]).pack()
        ended = Ending("finished", time.time()) if (seq + 1) * rows >= points else None
        store.accept([Arrival(LONG, 1, 0, seq, time.time(), entry, last_step=int(steps[-1]), ended=ended)])
        if seq % 16 == 15:
            store.fold(LONG)
    store.fold(LONG)
    store.save_verdict(judged(LONG, store.cursor(LONG)))
    return at


def judged(run: str, upto: int) -> Judged:
    """Give a verdict, so that nobody looks at a run while others are measured."""
    spells = [Spell("DESCENDING", 0, 400), Spell("PLATEAU", 400, 1_000)]
    verdict = Verdict(run, 1_000, "PLATEAU", headline="the loss has not fallen for 600 steps", spells=spells)
    return Judged(verdict, upto=upto)


def many_runs(store: Store, count: int) -> None:
    """Make runs that have ended, with what a run tells of itself and a short loss."""
    config = {f"setting_{i}": i / 7 for i in range(20)}
    system = {"gpu": "NVIDIA H100 80GB HBM3", "torch": "2.13.0", "python": "3.11.7", "optimizer": "AdamW"}
    steps = np.arange(0, 1_000, 10, dtype="<i8").tobytes()
    for start in range(0, count, 100):
        with store.database.write() as connection:
            for i in range(start, min(start + 100, count)):
                run, now = f"old-{i}", time.time() - count + i
                values = (random.standard_normal(100) + 2).astype("<f4").tobytes()
                told = Run(run, f"project-{i % 10}", f"sweep {i}", now, config=config, tags=["sweep"])
                begun = Attempt(1, now, host="node-1", system=system)
                entry = Entry(["loss"], [Rows([0], steps, values, "f4", (now, now + 1))]).pack()
                latest = {"loss": 1.23, "lr": 1e-3}
                ended = Ending("finished", now)
                one = Arrival(run, 1, 0, 0, now, entry, 990, latest, about=told, begun=begun, ended=ended)
                accept(connection, [one])
                folded = prepare(connection, run)
                assert folded is not None
                write(connection, run, folded)
                save_verdict(connection, judged(run, 1), (), ())


def charts(asker: Asker, points: int, at: int) -> Iterator[tuple[str, str]]:
    """Ask for charts of all ranges; give a row for each kind."""
    wide = [sorted(random.integers(0, points, 2).tolist()) for _ in range(300)]
    narrow = [[int(a), int(a) + 20_000] for a in random.integers(0, points, 300)]
    near = [[max(0, at - int(a)), at + int(b)] for a, b in random.integers(0, points, (300, 2))]
    ranges = {
        "whole": [[0, points - 1]] * 300,
        "random range": wide,
        "20,000 steps": narrow,
        "random range around the spike": near,
    }
    for name, asked in ranges.items():
        met = 0
        for first, last in asked:
            query = urlencode({"metric": METRIC, "first": first, "last": last, "buckets": BUCKETS})
            met += shows(asker.ask(f"/api/v1/runs/{LONG}/series?{query}"), covers=first <= at <= last)
        yield f"chart, {name} (the spike in {met} of {met})", asker.spent()


def shows(content: bytes, *, covers: bool) -> bool:
    """Give whether a chart has the great value, which it must if and only if it covers its step."""
    (series,) = json.loads(content)["series"]
    highs = series["buckets"]["high"] if "buckets" in series else series["values"]
    seen = max(highs) == SPIKE
    assert seen == covers, f"a chart {'lacks' if covers else 'has'} the value of {SPIKE:g}"
    return covers


def lists(asker: Asker, count: int) -> Iterator[tuple[str, str]]:
    """Ask for lists of runs, and for what the page of runs fills itself with."""
    for limit in (200, count):
        for _ in range(30):
            asker.ask(f"/api/v1/runs?limit={limit}")
        yield f"GET /api/v1/runs, {limit:,} of {count:,}", asker.spent()
    call = page_call(asker)
    asker.spent()
    for _ in range(30):
        asker.ask("/_dash-update-component", call)
    yield f"what the page of runs asks for, its 200 of {count:,}", asker.spent()


def page_call(asker: Asker) -> Mapping[str, object]:
    """Give what a browser sends to have the page of runs filled, as the page itself declares it."""
    told = json.loads(asker.ask("/_dash-dependencies"))
    one = next(call for call in told if "runs-list.children" in call["output"])
    known = {"query-text.data": "", "reread.data": 1}
    outputs = [part.rpartition(".") for part in one["output"].strip(".").split("...")]

    def given(names: list[dict[str, str]]) -> list[dict[str, object]]:
        return [{**name, "value": known.get(f"{name['id']}.{name['property']}")} for name in names]

    return {
        "output": one["output"],
        "outputs": [{"id": place, "property": what} for place, _, what in outputs],
        "inputs": given(one["inputs"]),
        "changedPropIds": ["query-text.data"],
        "state": given(one["state"]),
    }


def taking_in(service: Service) -> AbstractContextManager[None]:
    """Have runs send meanwhile."""
    line = partial(Line, service.port, "/api/v1/batches", "application/octet-stream")
    values = np.random.default_rng(0).standard_normal(SERIES * ROWS).astype("<f4").tobytes()
    return sending(line, partial(body, values, ROWS), [f"live-{i}" for i in range(SENDERS)], every_s=1.0)


def main() -> None:
    """Measure the services of one process and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=10, help="points of the charted series, in millions")
    parser.add_argument("--runs", type=int, default=10_000, help="runs in the list")
    parser.add_argument("--services", nargs="+", default=["SQLite", "PostgreSQL"], help="which services")
    args = parser.parse_args()
    print(about("fastapi", "uvicorn", "sqlalchemy", "dash"))
    print("service | asked for | times | ms p50 / p99 | kB\n-|-|-|-|-")
    for name, opened in services().items():
        if name not in args.services:
            continue
        with opened() as service:
            at = fill(service.store, args.millions * 1_000_000)
            many_runs(service.store, args.runs)
            analyse(service.store.database.url.render_as_string(hide_password=False))
            asker = Asker(service.port)
            with taking_in(service):
                time.sleep(3)
                for what, said in chain(charts(asker, args.millions * 1_000_000, at), lists(asker, args.runs)):
                    print(f"{name} | {what} | {said}", flush=True)


if __name__ == "__main__":
    main()
