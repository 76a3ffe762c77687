"""What one run and one project may send, as senders are told it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ergoscope_contract import codec
from ergoscope_contract.records import Run
from ergoscope_server.ingest.rate import BURST_S
from ergoscope_server.settings import Settings
from tests.backend.api.conftest import Running, serving, wait_for
from tests.backend.places import database_of
from tests.backend.store.batches import batch, line

PATH = "/api/v1/batches"


@contextmanager
def _bounded(folder: Path, *, run_series: int = 0, run_rate: int = 0, project_runs: int = 0) -> Iterator[Running]:
    limits = Settings(data_dir=folder, page=False, run_series=run_series, run_rate=run_rate, project_runs=project_runs)
    with serving(limits) as running:
        yield running


def test_a_series_too_many_is_refused_alone_and_everything_else_of_its_batch_is_kept(tmp_path: Path) -> None:
    with _bounded(tmp_path, run_series=2) as running:
        running.post(batch(0, {"a": line(0, 3)}))
        answer = running.client.post(
            PATH, content=codec.encode(batch(1, {"a": line(3, 3), "b": line(0, 3), "c": line(0, 3)}))
        )
        later = running.client.post(PATH, content=codec.encode(batch(2, {"c": line(3, 3), "b": line(3, 3)})))
        elsewhere = running.client.post(PATH, content=codec.encode(batch(0, {"c": line(0, 3)}, run="other")))
        kept = {one.key: one.points for one in running.service.store.listed("r")}

    assert answer.status_code == 422
    assert answer.json() == {
        "stored": True,
        "values": 6,
        "refused": [
            {
                "where": "keys[2]",
                "reason": "the run has 2 series, and may have 2; what is logged under the new name 'c' is not kept. "
                "Log under fewer names, or have ERGOSCOPE_RUN_SERIES raised at the service",
            }
        ],
    }
    assert [one["where"] for one in later.json()["refused"]] == ["keys[0]"]
    assert elsewhere.status_code == 200
    assert kept == {"a": 6, "b": 6}


def test_the_series_that_a_run_has_are_known_to_a_process_that_begins(tmp_path: Path) -> None:
    with database_of(tmp_path) as url:
        where = Settings(data_dir=tmp_path, page=False, database_url=url, run_series=2)
        with serving(where) as running:
            running.post(batch(0, {"a": line(0, 3)}))
            running.service.store.fold("r")
            running.post(batch(1, {"b": line(0, 3)}))

        with serving(where) as again:
            answer = again.client.post(PATH, content=codec.encode(batch(2, {"a": line(3, 3), "c": line(0, 3)})))

    assert [one["where"] for one in answer.json()["refused"]] == ["keys[1]"]


def test_a_run_that_sends_too_fast_is_told_when_to_come_back_and_loses_nothing(tmp_path: Path) -> None:
    with _bounded(tmp_path, run_rate=1_000) as running:
        running.post(batch(0, {"x": line(0, 1_000 * BURST_S + 500)}))
        late = codec.encode(batch(1, {"x": line(1_000 * BURST_S + 500, 5)}))

        answer = running.client.post(PATH, content=late)
        other = running.client.post(PATH, content=codec.encode(batch(0, {"x": line(0, 5)}, run="other")))
        wait_for(lambda: running.client.post(PATH, content=late).status_code == 200)

        assert (answer.status_code, answer.json()["error"]) == (429, "Rate")
        assert 1 <= int(answer.headers["retry-after"]) <= 2
        assert "run 'r' has sent more than 1,000 values a second" in answer.json()["detail"]
        assert other.status_code == 200
        assert running.service.store.cursor("r") == 2


def test_a_run_too_many_is_not_let_in_until_there_is_room(tmp_path: Path) -> None:
    def first(run: str) -> bytes:
        return codec.encode(batch(0, {"x": line(0, 3)}, run=run, about=Run(run, "p", run, 1_790_000_000.0)))

    with _bounded(tmp_path, project_runs=1) as running:
        running.client.post(PATH, content=first("a"))
        answer = running.client.post(PATH, content=first("b"))
        running.client.delete("/api/v1/runs/a")
        after = running.client.post(PATH, content=first("b"))

    assert (answer.status_code, answer.json()["error"]) == (403, "Runs")
    assert int(answer.headers["retry-after"]) == 30
    assert answer.json()["detail"].startswith(
        "project 'p' has 1 runs, and may have 1; run 'b' is not let in. Delete runs"
    )
    assert after.status_code == 200
