"""A run as a file: what was logged is what is read back, bit for bit."""

import csv
import io
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from ergoscope_contract.answers import Retention, RunSummary
from ergoscope_contract.codec import encode
from ergoscope_contract.jsonable import unspell
from ergoscope_contract.records import Batch, Block, Run
from ergoscope_server.api.formats import write_csv, write_json
from ergoscope_server.store.extract import Extract, Extraction
from ergoscope_server.store.points import Points
from tests.backend.api.conftest import Running, wait_for
from tests.backend.store.batches import ATTEMPT, arrival, batch, line

ODD = [0.1, math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3]
EXPORT = "/api/v1/runs/r/export"


@dataclass(frozen=True)
class Row:
    """A row of a file."""

    metric: str
    attempt: int
    rank: int
    step: int
    bits: bytes


def row(metric: str, attempt: int, rank: int, step: int, value: float) -> Row:
    return Row(metric, attempt, rank, step, np.float64(value).tobytes())


def rows_of_csv(running: Running, **asked: object) -> list[Row]:
    text = running.client.get(EXPORT, params={"format": "csv", **asked}).text
    read = csv.DictReader(io.StringIO(text))
    assert read.fieldnames == ["metric", "attempt", "rank", "step", "value"]
    return [
        row(one["metric"], int(one["attempt"]), int(one["rank"]), int(one["step"]), float(one["value"])) for one in read
    ]


def rows_of_json(running: Running, **asked: object) -> list[Row]:
    read = running.client.get(EXPORT, params={"format": "json", **asked}).json()
    assert read["run"]["id"] == "r"
    return [
        row(one["metric"], one["attempt"], one["rank"], step, unspell(value))
        for one in read["series"]
        for step, value in zip(one["steps"], one["values"], strict=True)
    ]


def rows_of_parquet(running: Running, **asked: object) -> list[Row]:
    parquet = pytest.importorskip("pyarrow.parquet")
    body = running.client.get(EXPORT, params={"format": "parquet", **asked}).content
    table = parquet.read_table(io.BytesIO(body))
    assert table.column_names == ["metric", "attempt", "rank", "step", "value"]
    assert table.schema.metadata[b"run"] == b"r"
    return [row(*one.values()) for one in table.to_pylist()]


READERS = {"csv": rows_of_csv, "json": rows_of_json, "parquet": rows_of_parquet}


@pytest.fixture
def sent(running: Running) -> Iterator[list[Row]]:
    """What two ranks and two attempts logged, some of it folded, of a name that must be quoted."""
    named = 'a,"b"\n'.replace("\n", " ")
    single = np.array([0.1, 1 / 3, np.nan], "<f4")
    running.post(batch(0, {"x": (range(len(ODD)), ODD), named: line(0, 2_000)}, about=Run("r", "p", "é", 1.0)))
    running.service.store.fold("r")
    block = Block([0], np.arange(3, dtype="<i8").tobytes(), single.tobytes(), "f4")
    answer = running.client.post("/api/v1/batches", content=encode(Batch(1, "r", ATTEMPT, 1, 0, ["x"], [block])))
    assert answer.status_code == 200
    running.post(batch(0, {"x": ([5], [1.0])}, attempt=ATTEMPT + 1))
    yield [
        *(row("x", ATTEMPT, 0, i, value) for i, value in enumerate(ODD)),
        row("x", ATTEMPT + 1, 0, 5, 1.0),
        *(row("x", ATTEMPT, 1, i, float(value)) for i, value in enumerate(single)),
        *(row(named, ATTEMPT, 0, i, float(i)) for i in range(2_000)),
    ]


@pytest.mark.parametrize("kind", READERS)
def test_what_was_logged_is_what_is_read_back(kind: str, running: Running, sent: list[Row]) -> None:
    assert READERS[kind](running) == sent


@pytest.mark.parametrize("kind", READERS)
def test_series_and_rank_are_chosen(kind: str, running: Running, sent: list[Row]) -> None:
    chosen = READERS[kind](running, metrics="x", rank=1)

    assert chosen == [one for one in sent if one.metric == "x" and one.rank == 1]
    assert len(chosen) == 3


@pytest.mark.parametrize("kind", READERS)
def test_of_what_is_thinned_a_row_stands_for_a_stretch(kind: str, running: Running) -> None:
    values = np.arange(3_000.0)
    values[700] = 1e6
    about = Run("r", "p", "r", 1.0)
    running.service.store.accept([arrival(batch(0, {"x": (range(3_000), values.tolist())}, about=about), received=1.0)])
    running.service.store.fold("r")
    running.service.store.upkeep.save_policy(Retention("p", 1.0))
    assert running.service.store.upkeep.thin("r", within_s=60)

    body = running.client.get(EXPORT, params={"format": kind})
    if kind == "csv":
        rows = [dict(one) for one in csv.DictReader(io.StringIO(body.text))]
    elif kind == "parquet":
        rows = pytest.importorskip("pyarrow.parquet").read_table(io.BytesIO(body.content)).to_pylist()
    else:
        rows = [
            {"step": entry["steps"][i], "value": entry["values"][i]}
            | {key: entry.get(key, [1] * len(entry["steps"]))[i] for key in ("points",)}
            | {key: entry[key][i] if key in entry else None for key in ("low", "high", "mean")}
            for entry in body.json()["series"]
            for i in range(len(entry["steps"]))
        ]

    assert sum(int(one["points"]) for one in rows) == 3_000
    assert len(rows) == 32 + 3_000 - 2_048
    spiked = next(one for one in rows if one["high"] and float(one["high"]) == 1e6)
    assert (int(spiked["step"]), float(spiked["value"]), float(spiked["low"])) == (703, 703.0, 640.0)


def test_what_is_not_there_is_said_before_the_first_byte(running: Running, sent: list[Row]) -> None:
    unknown = running.client.get("/api/v1/runs/nobody/export")
    series = running.client.get(EXPORT, params={"metrics": "absent"})
    odd = running.client.get(EXPORT, params={"format": "xls"})

    assert (unknown.status_code, series.status_code, odd.status_code) == (404, 404, 422)
    assert series.json()["detail"] == "run 'r' has no series 'absent'; its list of metrics has those there are"
    assert "'csv', 'json' or 'parquet'" in odd.json()["detail"]


def test_without_pyarrow_it_is_said_what_to_install(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.post(batch(0, {"x": line(0, 1)}))
    monkeypatch.delitem(sys.modules, "ergoscope_server.api.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    answer = running.client.get(EXPORT, params={"format": "parquet"})

    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "Parquet needs pyarrow, which the service has not; there: pip install 'ergoscope[parquet]'"
    )


def test_as_many_run_at_once_as_may_and_each_gives_its_place_back(running: Running) -> None:
    running.post(batch(0, {"x": line(0, 5)}))
    taken = 0
    while running.service.exports.acquire(blocking=False):
        taken += 1

    refused = running.client.get(EXPORT)
    for _ in range(taken):
        running.service.exports.release()
    statuses = [running.client.get(EXPORT, params={"metrics": m}).status_code for m in 2 * taken * ["x", "absent"]]

    assert refused.status_code == 503
    assert refused.json()["detail"] == f"{taken} runs are being exported, as many as may be at once; try again soon"
    assert refused.headers["retry-after"] == "5"
    assert set(statuses) == {200, 404}


def _free(running: Running) -> int:
    """How many exports could be begun now."""
    free = 0
    while running.service.exports.acquire(blocking=False):
        free += 1
    for _ in range(free):
        running.service.exports.release()
    return free


def test_a_reader_who_leaves_gives_the_place_back(running: Running) -> None:
    for i in range(8):
        running.post(batch(i, {"x": line(100_000 * i, 100_000)}))
    free = _free(running)

    for _ in range(free + 1):
        with running.client.stream("GET", EXPORT) as stream:
            assert stream.status_code == 200
            next(stream.iter_raw())
        wait_for(lambda: _free(running) == free)


def test_pieces_of_a_file_are_as_small_as_the_parts_of_the_run() -> None:
    part = Extract("x", 1, 0, Points(np.arange(2, dtype=np.int64), np.array([1.5, np.nan])))
    summary = RunSummary("r", "p", "n", "running", 0.0, 0.0)

    lines = list(write_csv(summary, Extraction(False, iter([part, part]))))
    objects = list(write_json(summary, Extraction(False, iter([part, part]))))

    assert lines == [b"metric,attempt,rank,step,value\n", *2 * [b"x,1,0,0,1.5\nx,1,0,1,NaN\n"]]
    assert len(objects) == 4
